import { Worker } from "node:worker_threads";
import { LichenError } from "../errors.ts";
import type { Dial } from "./registry/dial.ts";
import {
  type Arrived,
  type DialRequest,
  fromFields,
  type Reply,
  type Request,
  type Task,
  type TaskResult,
  toFields,
} from "./worker-protocol.ts";

const idleMs = 3000;

// Beside this file: the bundle in dist/, or the source when run from a checkout.
const workerFile = import.meta.url.endsWith(".ts") ? "./unpack-worker.ts" : "./unpack-worker.mjs";

interface Job {
  task: Task;
  /** Of jobs that were given in the same turn of the event loop, the heavier begin first. */
  weight: number;
  turn: number;
  signal: AbortSignal | undefined;
  onReceived: ((bytes: number) => void) | undefined;
  settle: (reply: Reply) => void;
  fail: (error: Error) => void;
}

/**
 * Threads for unpacking and other blocking work, at most `size` of them. They are started when there is work and end
 * when there has been none for a few seconds, so that an idle node does not pay for them. Tasks begin in the order in
 * which they were given, but the heaviest of those that were given at the same time begins first: so the last of an image's layers
 * to be unpacked is a small one, and no thread waits long for another. An idle pool does not keep the process alive.
 */
export class WorkerPool {
  readonly #size: number;
  readonly #dial: Dial | undefined;
  readonly #waiting: Job[] = [];
  readonly #workers = new Set<PoolWorker>();
  #closed = false;
  #turn = 0;
  #dispatching = false;

  /** `dial` serves the connections that tasks with `dial: true` ask for. */
  constructor(size: number, dial?: Dial) {
    this.#size = size;
    this.#dial = dial;
  }

  /**
   * Runs a task. An aborted signal ends it with CANCELLED, at once when it is still waiting, else as soon as it can.
   * `onReceived` hears now and then how many bytes of a layer have come.
   */
  run<T extends Task>(
    task: T,
    signal?: AbortSignal,
    onReceived?: (bytes: number) => void,
  ): Promise<TaskResult[T["kind"]]> {
    return new Promise((resolve, reject) => {
      if (this.#closed || signal?.aborted === true) return reject(cancelled(task));
      const job: Job = {
        task,
        weight: task.kind === "unpack" ? task.content.size : 0,
        turn: this.#turn,
        signal,
        onReceived,
        settle: (reply) => {
          forget();
          if ("value" in reply) resolve(reply.value as TaskResult[T["kind"]]);
          else reject(signal?.aborted === true ? cancelled(task) : fromFields(reply.error));
        },
        fail: (error) => {
          forget();
          reject(error);
        },
      };
      const forget = () => signal?.removeEventListener("abort", onAbort);
      const onAbort = () => {
        const at = this.#waiting.indexOf(job);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        reject(cancelled(task));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const lighter = this.#waiting.findIndex(({ turn, weight }) => turn === job.turn && weight < job.weight);
      this.#waiting.splice(lighter < 0 ? this.#waiting.length : lighter, 0, job);
      this.#dispatchSoon();
    });
  }

  /** Ends all threads; what still waits or runs fails with CANCELLED. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.fail(cancelled(job.task));
    await Promise.all([...this.#workers].map((worker) => worker.end()));
  }

  /** When everything that is given in this turn of the event loop waits. */
  #dispatchSoon(): void {
    if (this.#dispatching) return;
    this.#dispatching = true;
    setImmediate(() => {
      this.#dispatching = false;
      this.#turn++;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const idle = [...this.#workers].find((worker) => worker.free);
      if (idle === undefined && this.#workers.size >= this.#size) return;
      const worker = idle ?? this.#start();
      worker.begin(this.#waiting.shift()!);
    }
  }

  #start(): PoolWorker {
    const worker = new PoolWorker({
      dial: this.#dial,
      onFree: () => this.#dispatch(),
      onEnd: () => {
        this.#workers.delete(worker);
        if (!this.#closed) this.#dispatch();
      },
    });
    this.#workers.add(worker);
    return worker;
  }
}

/** One thread and the job it is at. */
class PoolWorker {
  readonly #thread: Worker;
  readonly #dial: Dial | undefined;
  readonly #onFree: () => void;
  #job: Job | undefined;
  /** Takes no more jobs; it stays a thread until its "exit". */
  #ending = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(hooks: { dial: Dial | undefined; onFree: () => void; onEnd: () => void }) {
    this.#dial = hooks.dial;
    this.#onFree = hooks.onFree;
    // The daemon keeps its own young generation tiny; a thread that moves many chunks needs room for them.
    this.#thread = new Worker(new URL(workerFile, import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 16 },
    });
    this.#thread.on("message", (message: Reply | DialRequest | Arrived) => {
      if ("received" in message) this.#job?.onReceived?.(message.received);
      else if ("dial" in message) void this.#connect(message);
      else this.#finish(message);
    });
    // An error ends the thread: "exit" follows.
    this.#thread.on("error", (error) => {
      this.#ending = true;
      const job = this.#takeJob();
      job?.fail(crashed(job.task, error));
    });
    this.#thread.on("exit", () => {
      this.#ending = true;
      const job = this.#takeJob();
      job?.fail(cancelled(job.task));
      clearTimeout(this.#idleTimer);
      hooks.onEnd();
    });
  }

  get free(): boolean {
    return this.#job === undefined && !this.#ending;
  }

  begin(job: Job): void {
    clearTimeout(this.#idleTimer);
    this.#job = job;
    this.#thread.ref();
    job.signal?.addEventListener("abort", this.#abort, { once: true });
    this.#send({ task: job.task });
  }

  end(): Promise<number> {
    this.#ending = true;
    return this.#thread.terminate();
  }

  async #connect({ dial: { id, host, port } }: DialRequest): Promise<void> {
    try {
      if (this.#dial === undefined) throw new Error("this pool has no way to connect");
      const fd = await this.#dial(host, port);
      if (this.#ending) fd.close();
      else this.#send({ dialled: id, fd: fd.release() });
    } catch (error) {
      this.#send({ dialled: id, error: toFields(error) });
    }
  }

  readonly #abort = () => this.#send("abort");

  #send(request: Request): void {
    this.#thread.postMessage(request);
  }

  /** The job, which ends here in one way or another. */
  #takeJob(): Job | undefined {
    const job = this.#job;
    this.#job = undefined;
    job?.signal?.removeEventListener("abort", this.#abort);
    return job;
  }

  #finish(reply: Reply): void {
    const job = this.#takeJob();
    this.#thread.unref();
    this.#idleTimer = setTimeout(() => this.end(), idleMs).unref();
    job?.settle(reply);
    this.#onFree();
  }
}

function cancelled(task: Task): LichenError {
  return new LichenError({
    code: "CANCELLED",
    operation: task.kind,
    object: subject(task),
    reason: "it was cancelled",
  });
}

function crashed(task: Task, error: unknown): LichenError {
  const reason = `the worker thread failed: ${error instanceof Error ? error.message : String(error)}`;
  return new LichenError({
    code: "INTERNAL",
    operation: task.kind,
    object: subject(task),
    reason,
    cause: error,
  });
}

function subject(task: Task): string {
  if (task.kind === "unpack") return task.content.digest;
  if (task.kind === "settle") return task.settlement.directory;
  return task.kind === "shift" ? task.source : task.path;
}
