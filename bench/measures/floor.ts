import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectCri } from "../../proto/client.ts";
import type { Target } from "../support/target.ts";
import { inside, type StreamTools } from "./streams.ts";

/** A stand-in for a runtime, until it is disposed of. */
export interface Floor extends Target, AsyncDisposable {}

/**
 * Starts the least that answers the clients of Kubernetes (test/conformance/tools/floor): Exec is a word, and a command is a few lines of
 * Go in the server itself, with no process and no container. What the same clients take with it, on the same loopback, no runtime can go
 * below; what a runtime takes beyond it is its own. 100 execs keep both cores of a small machine busy in the client alone.
 */
export async function startFloor(beside: Target, { floor }: StreamTools): Promise<Floor> {
  const folder = mkdtempSync(join(tmpdir(), "floor-"));
  const socket = join(folder, "floor.sock");
  const server = inside(beside, [floor, socket]);
  let complaint = "";
  server.stderr!.on("data", (text) => {
    complaint += text;
  });
  const ended = once(server, "exit");
  const ready = await Promise.race([once(server.stdout!, "data"), ended.then(() => undefined)]);
  if (ready === undefined) throw new Error(`the floor's server has ended: ${complaint}`);
  const client = connectCri(socket);
  return {
    ...beside,
    name: "floor",
    client,
    socket,
    async [Symbol.asyncDispose]() {
      client.close();
      server.kill();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
