import { createHash } from "node:crypto";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { LichenError } from "../../../src/errors.ts";
import type {
  CommandStreams,
  ExecRequest,
  StreamHandlers,
  TerminalSize,
} from "../../../src/streaming/types.ts";

/** Commands without a container: the test's own process plays them. */
type Command = (streams: CommandStreams, argument: string) => Promise<number>;

const commands: Record<string, Command> = {
  async cat({ stdin, stdout, closed }) {
    if (stdin === undefined || stdout === undefined) throw new Error("cat needs both");
    await pipeline(stdin, stdout, { signal: closed });
    return 0;
  },
  async exit(_streams, code) {
    return Number(code);
  },
  async both({ stdout, stderr }) {
    stdout?.write("to the output\n");
    stderr?.write("to the error output\n");
    return 3;
  },
  /** So many bytes of output, which the client takes at its own speed. */
  async zeros({ stdout, closed }, count) {
    const chunk = Buffer.alloc(64 * 1024);
    for (let left = Number(count); left > 0 && !closed.aborted; left -= chunk.length) {
      if (stdout?.write(chunk.subarray(0, left)) === false) {
        await once(stdout, "drain", { signal: closed }).catch(() => {});
      }
    }
    return 0;
  },
  /** Length and digest of all input. */
  async digest({ stdin, stdout }) {
    const hash = createHash("sha256");
    let length = 0;
    for await (const part of stdin ?? []) {
      hash.update(part);
      length += part.length;
    }
    stdout?.write(`${length} ${hash.digest("hex")}`);
    return 0;
  },
  /** The length of all input, without looking at it. */
  async count({ stdin, stdout }) {
    let length = 0;
    stdin?.on("data", (part: Buffer) => {
      length += part.length;
    });
    if (stdin !== undefined) await once(stdin, "end");
    stdout?.write(String(length));
    return 0;
  },
  async size({ stdout, onResize }) {
    const { width, height } = await new Promise<TerminalSize>((resolve) => onResize(resolve));
    stdout?.write(`${width}x${height}`);
    return 0;
  },
  async deaf({ closed }) {
    if (!closed.aborted) await once(closed, "abort");
    return 0;
  },
};

/** Handlers that play small commands, and pods whose ports echo, but for port 1, where nothing listens. */
export function createHandlers(): StreamHandlers & { running: number } {
  const handlers = {
    running: 0,
    async exec(
      { command: [name = "", argument = ""] }: ExecRequest,
      streams: CommandStreams,
    ): Promise<number> {
      const command = commands[name];
      if (command === undefined)
        throw new LichenError({
          code: "NOT_FOUND",
          operation: "exec",
          object: name,
          reason: "no such command",
          hint: "cat is one",
        });
      handlers.running++;
      try {
        return await command(streams, argument);
      } finally {
        handlers.running--;
      }
    },
    attach: async () => {},
    async portForward({ port, connection }: Parameters<StreamHandlers["portForward"]>[0]): Promise<void> {
      if (port === 1) throw new Error("connection refused");
      await pipeline(connection, connection).catch(() => {});
    },
  };
  return handlers;
}
