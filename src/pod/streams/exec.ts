import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../errors.ts";
import { type Fd, pipe, terminalStream, writeStream } from "../../native/fd.ts";
import type { Monitor } from "../../native/monitor.ts";
import { firstProcess } from "../container/first-process.ts";
import type { PodContext } from "../context.ts";
import { execProcess } from "../spec/process.ts";
import { runningContainer } from "./running.ts";
import { drained, feed, type Pump, pump, type Transfer, transfer } from "./transfer.ts";
import type { ClientStreams, TerminalSize } from "./types.ts";

/** How long a client's terminal may take to say its size before the command starts with a usual one. */
const firstSizeMs = 50;
const usualSize: TerminalSize = { width: 80, height: 24 };
/** See drained(). */
const quietMs = 250;
/** 128 + SIGKILL: of a command that dies with its container, or because its client has gone. */
const killed = 137;

/** Exec: see PodService. */
export async function exec(
  context: PodContext,
  idPrefix: string,
  command: string[],
  tty: boolean,
  client: ClientStreams,
): Promise<number> {
  const container = runningContainer(context, idPrefix, "execute in container");
  const process = execProcess(firstProcess(context, container), command, tty);
  const id = randomBytes(8).toString("hex");
  const monitor = context.monitors.get(container.sandboxId);
  const end = Promise.withResolvers<number>();
  context.monitors.onExecExit(id, ({ code }) => end.resolve(code));
  const unsubscribe = context.exits.subscribe(container.id, () => end.resolve(killed));
  const size = tty ? await terminalSize(monitor, id, client) : { cols: 0, rows: 0 };
  const request = { container: container.id, exec: id, terminal: tty, timeoutMs: 0, ...size };
  const grace = { graceMs: context.streams.execGraceMs };
  let ends: Ends | undefined;
  let begun = false;
  const abandon = () => end.resolve(killed);
  client.closed.addEventListener("abort", abandon);
  try {
    ends = await begin(monitor, { ...request, ...grace }, process, client);
    begun = true;
    if (client.closed.aborted) abandon();
    const transfers = ends.connect(client);
    const code = await end.promise;
    if (!client.closed.aborted) await drained(transfers, quietMs);
    return code;
  } catch (error) {
    throw within("execute in container", `${container.id}: ${command[0]}`, error);
  } finally {
    client.closed.removeEventListener("abort", abandon);
    unsubscribe();
    context.monitors.forgetExec(id);
    ends?.destroy();
    // Its descriptors are closed by now. What has ended already is not there to be abandoned; what has not gets its grace.
    if (begun) monitor.abandonExec(id).catch(() => {});
  }
}

/** The client's size now, or what is usual; later ones go to the terminal as they come. */
async function terminalSize(monitor: Monitor, exec: string, client: ClientStreams) {
  const { promise, resolve } = Promise.withResolvers<TerminalSize>();
  client.onResize((size) => {
    resolve(size);
    // Refused until the command runs (it then starts with this size), and when it has ended.
    monitor.resize({ exec }, size.width, size.height).catch(() => {});
  });
  const { width, height } = await Promise.race([promise, sleep(firstSizeMs, usualSize)]);
  return { cols: width, rows: height };
}

/** Our ends of a command's streams. */
interface Ends {
  /** Joins them to the client's. Answers what flows towards the client. */
  connect(client: ClientStreams): Transfer[];
  destroy(): void;
}

type Request = Parameters<Monitor["exec"]>[0];
type Process = Parameters<Monitor["exec"]>[1];

async function begin(
  monitor: Monitor,
  request: Request,
  process: Process,
  client: ClientStreams,
): Promise<Ends> {
  if (request.terminal) {
    const { terminal } = await monitor.exec(request, process);
    if (!terminal) throw new Error("the monitor answered exec without a terminal");
    return terminalEnds(terminalStream(terminal));
  }
  using pipes = new Pipes(client);
  await monitor.exec(request, process, pipes.theirs);
  return pipes.ours();
}

function terminalEnds(terminal: Socket): Ends {
  return {
    connect({ stdin, stdout }) {
      // Its failure is that of reading or writing: there the end is noticed.
      terminal.on("error", () => {});
      if (stdin) feed(stdin, terminal, { end: false });
      if (stdout) return [transfer(terminal, stdout)];
      terminal.resume();
      return [];
    },
    destroy: () => terminal.destroy(),
  };
}

/** A pipe for each stream that the client wants; disposing of it closes the command's ends, and ours unless taken. */
class Pipes implements Disposable {
  readonly theirs: { stdin?: Fd; stdout?: Fd; stderr?: Fd } = {};
  #ours: { stdin?: Fd; stdout?: Fd; stderr?: Fd } = {};

  constructor(client: ClientStreams) {
    if (client.stdin) {
      const { read, write } = pipe();
      this.theirs.stdin = read;
      this.#ours.stdin = write;
    }
    for (const name of ["stdout", "stderr"] as const) {
      if (!client[name]) continue;
      const { read, write } = pipe();
      this.theirs[name] = write;
      this.#ours[name] = read;
    }
  }

  ours(): Ends {
    const { stdin: input, stdout, stderr } = this.#ours;
    // They outlive this object, whose closing them does nothing any more.
    this.#ours = {};
    const stdin = input && writeStream(input);
    const pumps: Pump[] = [];
    return {
      connect(client) {
        if (stdin && client.stdin) feed(client.stdin, stdin);
        if (stdout && client.stdout) pumps.push(pump(stdout, client.stdout));
        if (stderr && client.stderr) pumps.push(pump(stderr, client.stderr));
        return pumps;
      },
      destroy() {
        stdin?.destroy();
        for (const one of pumps) one.destroy();
        for (const fd of [stdout, stderr]) fd?.close();
      },
    };
  }

  [Symbol.dispose](): void {
    for (const fd of [...Object.values(this.theirs), ...Object.values(this.#ours)]) fd.close();
  }
}
