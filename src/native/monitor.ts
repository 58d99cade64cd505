import { constants } from "node:os";
import { basename } from "node:path";
import { LichenError } from "../errors.ts";
import { Channel } from "./channel.ts";
import { connectSocket, type Fd, memfd, openDirectory, socketPair } from "./fd.ts";
import { distFile } from "./locate.ts";
import {
  type AttachReply,
  type CreateRequest,
  type ExecRequest,
  type HelloReply,
  type MonitorEvent,
  type PodSetup,
  PROTOCOL_VERSION,
  type SetupReply,
  type StreamName,
} from "./monitor-wire.ts";
import { type Exit, signalPid, spawn, watchPid } from "./process.ts";
import { type Reply, Requests } from "./requests.ts";
import type { SeccompFilters } from "./seccomp-filters.ts";

export interface MonitorHandlers {
  event(event: MonitorEvent): void;
  /** The connection has ended, by the monitor's death or by a fault of either side; not after close(). */
  close(error: LichenError | undefined): void;
}

/** The streams of an exec; what is left out is /dev/null. They stay the caller's. */
export interface ExecStreams {
  stdin?: Fd;
  stdout?: Fd;
  stderr?: Fd;
}

/** Time for requests that only change the monitor's own state, and for those that make namespaces, mounts or wait for processes. */
const QUICK_MS = 10_000;
const SLOW_MS = 60_000;
/** The monitor itself gives up each of two addresses after 10 s. */
const CONNECT_MS = 25_000;

/** One connection to the monitor of one pod: a method an operation of native/monitor/PROTOCOL.md. */
export class Monitor {
  /** The monitor's own PID, known from the spawn or from hello. */
  pid: number;
  readonly #channel: Channel;
  readonly #requests: Requests;

  /** Takes `socket` over. `name` is for error messages. */
  constructor(socket: Fd, name: string, handlers: MonitorHandlers, pid = 0) {
    this.pid = pid;
    this.#requests = new Requests(name);
    this.#channel = Channel.from(socket, {
      message: (message, fds) => {
        if (this.#requests.settle(message as object, fds)) return;
        for (const fd of fds) fd.close();
        handlers.event(message as MonitorEvent);
      },
      close: (error) => {
        this.#requests.fail(error);
        handlers.close(error);
      },
    });
  }

  async hello(): Promise<HelloReply> {
    const reply = await this.#ask<HelloReply>("hello", { version: PROTOCOL_VERSION });
    this.pid = reply.pid;
    return reply;
  }

  setup(pod: PodSetup): Promise<SetupReply> {
    return this.#ask("setup", { pod }, [], SLOW_MS);
  }

  /**
   * Creates a container up to the gate before its execve. `root` is a detached mount and stays the caller's. With `filters` an equal
   * seccomp profile is compiled once only.
   */
  async create(
    request: CreateRequest,
    spec: { ociVersion: string; linux?: { seccomp?: object } },
    root: Fd,
    filters?: SeccompFilters,
  ): Promise<{ pid: number }> {
    using carried = memfd("oci-spec", JSON.stringify(spec));
    const profile = spec.linux?.seccomp;
    const filter = profile && filters?.find(profile);
    const fds = [carried, root, ...(filter ? [filter] : [])];
    const reply = await this.#send<{ pid: number }>("create", request, fds, SLOW_MS);
    const [compiled, ...more] = reply.fds;
    for (const stray of more) stray.close();
    if (compiled && profile && filters) filters.keep(profile, compiled);
    else compiled?.close();
    return reply.ok;
  }

  /** Answers when the container's execve has succeeded. */
  start(container: string): Promise<{ startedAt: string }> {
    return this.#ask("start", { container }, [], SLOW_MS);
  }

  async signal(container: string, signal: number, all = false): Promise<void> {
    await this.#ask("signal", { container, signal, all });
  }

  async delete(container: string): Promise<void> {
    await this.#ask("delete", { container }, [], SLOW_MS);
  }

  /** Starts a process in a container. With `terminal` the reply has the terminal's master, which is the caller's. */
  async exec(
    request: ExecRequest,
    ociProcess: object,
    streams: ExecStreams = {},
  ): Promise<{ pid: number; terminal?: Fd }> {
    using carried = memfd("oci-process", JSON.stringify(ociProcess));
    const given = (["stdin", "stdout", "stderr"] as const).flatMap((name) => {
      const fd = streams[name];
      return fd ? [{ name, fd }] : [];
    });
    const fields = { ...request, streams: given.map(({ name }) => name) };
    const fds = [carried, ...given.map(({ fd }) => fd)];
    const { ok, fds: answered } = await this.#send<{ pid: number }>("exec", fields, fds, SLOW_MS);
    const [terminal, ...more] = answered;
    for (const stray of more) stray.close();
    return terminal ? { pid: ok.pid, terminal } : { pid: ok.pid };
  }

  async killExec(exec: string, signal: number): Promise<void> {
    await this.#ask("exec-kill", { exec, signal });
  }

  /** Nobody attends the exec any more: it is hung up and killed after its grace. Its streams are to be closed first. */
  async abandonExec(exec: string): Promise<void> {
    await this.#ask("exec-abandon", { exec });
  }

  /** Attaches to a container's streams; those that it has. They are the caller's. */
  async attach(container: string, streams: StreamName[]): Promise<{ attachment: number } & ExecStreams> {
    const { ok, fds } = await this.#send<AttachReply>("attach", { container, streams }, [], QUICK_MS);
    const named = Object.fromEntries(ok.streams.map((name, index) => [name, fds[index]]));
    return { attachment: ok.attachment, ...named };
  }

  /** A TCP connection to a port on the loopback of the pod's network. UNAVAILABLE when nothing listens there. */
  async connect(port: number): Promise<Fd> {
    const { fds } = await this.#send("connect", { port }, [], CONNECT_MS);
    const [socket] = fds;
    if (socket) return socket;
    throw new Error("the monitor answered connect without a socket");
  }

  /** Changes the size of a container's or an exec's terminal. */
  async resize(of: { container: string } | { exec: string }, cols: number, rows: number): Promise<void> {
    await this.#ask("resize", { ...of, cols, rows });
  }

  async reopenLog(container: string): Promise<void> {
    await this.#ask("reopen-log", { container });
  }

  /** Ends the pod: kills what runs, and settles when every container is dead and recorded. The monitor exits then. */
  async shutdown(): Promise<void> {
    await this.#ask("shutdown", {}, [], SLOW_MS);
  }

  /** Ends this connection, not the monitor. No close event follows; requests without a reply fail. */
  close(): void {
    this.#channel.close();
    this.#requests.fail(undefined);
  }

  /** Whether the connection keeps this process alive: it does, until unref. */
  unref(): void {
    this.#channel.unref();
  }

  async #ask<T>(op: string, fields: object, fds: Fd[] = [], deadlineMs = QUICK_MS): Promise<T> {
    const reply = await this.#send<T>(op, fields, fds, deadlineMs);
    for (const stray of reply.fds) stray.close();
    return reply.ok;
  }

  #send<T>(op: string, fields: object, fds: Fd[], deadlineMs: number): Promise<Reply<T>> {
    const { id, reply } = this.#requests.register<T>(`monitor ${op}`, deadlineMs);
    try {
      this.#channel.send({ id, op, ...fields }, fds);
    } catch (error) {
      this.#requests.fail(error as LichenError, id);
    }
    return reply;
  }
}

export interface SpawnMonitorOptions {
  podId: string;
  /** The pod's runtime directory, which must exist and be empty. */
  directory: string;
  /** Directory of the monitor's cgroup. */
  cgroup?: string;
  handlers: MonitorHandlers;
  /** When the process has ended and been reaped. */
  onExit?: (exit: Exit | undefined) => void;
}

/** Starts a monitor, which outlives this process, and greets it. */
export async function spawnMonitor(options: SpawnMonitorOptions): Promise<Monitor> {
  const [ours, theirs] = socketPair();
  using _theirs = theirs;
  using _ours = ours;
  using directory = openDirectory(options.directory);
  const child = spawn({
    file: distFile("bin/lichen-monitor"),
    args: ["pod", "--id", options.podId],
    env: { LANG: "C.UTF-8", PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    fds: [theirs, directory],
    ...(options.cgroup ? { cgroup: options.cgroup } : {}),
  });
  using pidfd = child.pidfd;
  // Reaps it; whether it lives is no reason for this process to live.
  watchPid(pidfd, (exit) => options.onExit?.(exit)).unref();
  const monitor = new Monitor(ours, options.podId.slice(0, 12), options.handlers, child.pid);
  theirs.close();
  try {
    await greet(monitor, options.podId);
  } catch (error) {
    signalPid(pidfd, constants.signals.SIGKILL);
    throw error;
  }
  return monitor;
}

/**
 * Connects to the monitor that serves a pod's runtime directory. UNAVAILABLE or NOT_FOUND when none does (any more). The
 * directory's path may be of any length.
 */
export async function connectMonitor(directory: string, handlers: MonitorHandlers): Promise<Monitor> {
  using place = openDirectory(directory);
  const socket = connectSocket(`/proc/self/fd/${place.number}/monitor.sock`);
  const monitor = new Monitor(socket, basename(directory), handlers);
  await greet(monitor);
  return monitor;
}

async function greet(monitor: Monitor, podId?: string): Promise<void> {
  try {
    const hello = await monitor.hello();
    if (hello.version !== PROTOCOL_VERSION || (podId !== undefined && hello.pod !== podId)) {
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "greet monitor",
        object: hello.pod,
        reason: `it speaks protocol version ${hello.version}, this daemon ${PROTOCOL_VERSION}`,
        hint: "stop the pod and let it be made anew",
      });
    }
  } catch (error) {
    monitor.close();
    throw error;
  }
}
