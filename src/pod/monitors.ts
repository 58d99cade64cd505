import { constants } from "node:os";
import { LichenError } from "../errors.ts";
import { connectMonitor, type Monitor, type MonitorHandlers, spawnMonitor } from "../native/monitor.ts";
import type {
  DetachedEvent,
  ExecExitEvent,
  ExitEvent,
  HelloReply,
  LogErrorEvent,
  MonitorEvent,
} from "../native/monitor-wire.ts";
import { openPid, signalPid } from "../native/process.ts";

/** What the pods' monitors report by themselves. */
export interface MonitorListener {
  exit(sandboxId: string, event: ExitEvent): void;
  logError(sandboxId: string, event: LogErrorEvent): void;
  detached(event: DetachedEvent): void;
  /** The connection ended although nobody asked for it: the monitor is dead, or a fault of the channel. */
  lost(sandboxId: string): void;
}

/** The connections to the monitors of all pods that live. */
export class Monitors {
  readonly #listener: MonitorListener;
  readonly #open = new Map<string, Monitor>();
  readonly #execs = new Map<string, (event: ExecExitEvent) => void>();

  constructor(listener: MonitorListener) {
    this.#listener = listener;
  }

  /** Starts a pod's monitor in `cgroup` (a directory, "" for none). */
  async start(sandboxId: string, directory: string, cgroup: string): Promise<Monitor> {
    const monitor = await spawnMonitor({
      podId: sandboxId,
      directory,
      handlers: this.#handlers(sandboxId),
      ...(cgroup === "" ? {} : { cgroup }),
    });
    this.#open.set(sandboxId, monitor);
    return monitor;
  }

  /** Connects to a monitor that runs, and answers what it says of its pod. UNAVAILABLE or NOT_FOUND when there is none. */
  async connect(sandboxId: string, directory: string): Promise<HelloReply> {
    const monitor = await connectMonitor(directory, this.#handlers(sandboxId));
    this.#open.set(sandboxId, monitor);
    return monitor.hello();
  }

  /** The monitor of a ready pod. UNAVAILABLE when it is being lost. */
  get(sandboxId: string): Monitor {
    const monitor = this.#open.get(sandboxId);
    if (monitor !== undefined) return monitor;
    throw new LichenError({
      code: "UNAVAILABLE",
      operation: "reach monitor of pod sandbox",
      object: sandboxId,
      reason: "it does not run",
    });
  }

  /** Ends the pod's monitor and with it everything in the pod; fine when there is none. */
  async end(sandboxId: string): Promise<void> {
    const monitor = this.#open.get(sandboxId);
    if (monitor === undefined) return;
    this.#open.delete(sandboxId);
    try {
      await monitor.shutdown();
    } catch (error) {
      if ((error as { code?: unknown }).code !== "UNAVAILABLE") kill(monitor.pid);
    } finally {
      monitor.close();
    }
  }

  /** Calls `ended` at the end of an exec; to be asked for before the monitor is told to begin it. */
  onExecExit(exec: string, ended: (event: ExecExitEvent) => void): void {
    this.#execs.set(exec, ended);
  }

  /** Nobody waits for the exec any more. */
  forgetExec(exec: string): void {
    this.#execs.delete(exec);
  }

  /** Lets go of all monitors; they and their pods live on. */
  close(): void {
    for (const monitor of this.#open.values()) monitor.close();
    this.#open.clear();
  }

  #handlers(sandboxId: string): MonitorHandlers {
    return {
      event: (event) => this.#event(sandboxId, event),
      close: () => {
        if (this.#open.delete(sandboxId)) this.#listener.lost(sandboxId);
      },
    };
  }

  #event(sandboxId: string, event: MonitorEvent): void {
    if (event.event === "exit") {
      this.#listener.exit(sandboxId, event);
    } else if (event.event === "log-error") {
      this.#listener.logError(sandboxId, event);
    } else if (event.event === "detached") {
      this.#listener.detached(event);
    } else if (event.event === "exec-exit") {
      this.#execs.get(event.exec)?.(event);
      this.#execs.delete(event.exec);
    }
  }
}

/** SIGKILL for a monitor that does not answer; the kernel ends its containers with it. */
function kill(pid: number): void {
  try {
    using pidfd = openPid(pid);
    signalPid(pidfd, constants.signals.SIGKILL);
  } catch {
    // It is gone.
  }
}
