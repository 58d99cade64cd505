import { LichenError, within } from "../errors.ts";
import type { Fd } from "./addon.ts";
import { toLichenError } from "./failure.ts";

/** The `error` member of a reply, as monitor and launcher send it. */
export interface WireError {
  operation: string;
  object: string;
  cause: string;
  code: string;
  errno?: number;
}

export interface Reply<T> {
  ok: T;
  /** The caller's to close. */
  fds: Fd[];
}

interface Waiting {
  operation: string;
  resolve: (reply: Reply<unknown>) => void;
  reject: (error: LichenError) => void;
  timer: NodeJS.Timeout;
}

/**
 * Matches replies to requests by id, each with a deadline. Knows nothing of the socket: `register` gives the id to send, and
 * whatever arrives is offered to `settle`.
 */
export class Requests {
  readonly #peer: string;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** `peer` names the other side in errors: a pod's short id; "" where the operation says enough. */
  constructor(peer: string) {
    this.#peer = peer;
  }

  /** A new request's id and its reply. DEADLINE_EXCEEDED after `deadlineMs`; a reply that comes later is dropped. */
  register<T>(operation: string, deadlineMs: number): { id: number; reply: Promise<Reply<T>> } {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Reply<unknown>>();
    const timer = setTimeout(() => {
      this.#waiting.delete(id);
      reject(this.#failure(operation, "DEADLINE_EXCEEDED", `no answer within ${deadlineMs} ms`));
    }, deadlineMs);
    this.#waiting.set(id, { operation, resolve, reject, timer });
    return { id, reply: promise as Promise<Reply<T>> };
  }

  /** Gives a message to the request it answers. Closes the descriptors of what answers none; false for what is no reply. */
  settle(message: { id?: unknown; ok?: unknown; error?: unknown }, fds: Fd[]): boolean {
    if (typeof message.id !== "number") return false;
    const waiting = this.#waiting.get(message.id);
    if (!waiting || message.error !== undefined) for (const fd of fds) fd.close();
    if (!waiting) return true;
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.error !== undefined) {
      const { operation, object, cause, code } = message.error as WireError;
      const native = { code: String(code), operation: String(operation), object: String(object) };
      waiting.reject(toLichenError({ ...native, reason: String(cause) }));
    } else {
      waiting.resolve({ ok: message.ok ?? {}, fds });
    }
    return true;
  }

  /** Fails one request that could not be sent, or every request because the peer is gone. */
  fail(error: LichenError | undefined, id?: number): void {
    for (const [key, waiting] of this.#waiting) {
      if (id !== undefined && key !== id) continue;
      this.#waiting.delete(key);
      clearTimeout(waiting.timer);
      const { operation } = waiting;
      const gone = () => this.#failure(operation, "UNAVAILABLE", "the connection has ended");
      waiting.reject(error ? within(operation, this.#peer, error) : gone());
    }
  }

  #failure(operation: string, code: "DEADLINE_EXCEEDED" | "UNAVAILABLE", reason: string): LichenError {
    return new LichenError({ code, operation, object: this.#peer, reason });
  }
}
