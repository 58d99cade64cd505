import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { chunkReader, enlargePipe, type Fd } from "../../native/fd.ts";
import { ReadBuffer } from "../../native/read-buffer.ts";
import { withinTime } from "../timer.ts";
import type { ClientStreams } from "./types.ts";

/** Bytes on their way from a process to a client. */
export interface Transfer {
  /** Settles when the source has ended or either side is gone. Never rejects. */
  ended: Promise<void>;
  /** Grows with each chunk that comes and each time that the client takes more. */
  readonly activity: number;
  /** Whether the client has to read before anything more is taken from the source. */
  readonly blocked: boolean;
}

/**
 * Passes on what `source` gives, with back-pressure: no more than a chunk waits here. `source` is destroyed at the end; `target` is
 * left open. A terminal that was hung up (EIO) has simply ended.
 */
export function transfer(source: Readable, target: Writable): Transfer {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const state = { ended, activity: 0, blocked: false };
  const finish = () => {
    target.off("drain", proceed);
    target.off("close", finish);
    source.destroy();
    resolve();
  };
  const proceed = () => {
    state.blocked = false;
    state.activity++;
    source.resume();
  };
  source.on("data", (chunk: Buffer) => {
    state.activity++;
    if (target.write(chunk) || target.destroyed) return;
    state.blocked = true;
    source.pause();
  });
  source.once("end", finish);
  source.once("error", finish);
  source.once("close", finish);
  target.on("drain", proceed);
  target.once("close", finish);
  if (target.destroyed) finish();
  return state;
}

/** A transfer whose source it owns. */
export interface Pump extends Transfer {
  destroy(): void;
}

/** Bytes after which a pipe that a client writes to may hold more. */
const muchInput = 256 * 1024;

/**
 * Passes on what comes through a pipe, whose read end it owns, by way of one buffer: it is read into again when `target` has passed on what
 * was in it. Buffer and pipe grow when much has come. `target` is left open.
 */
export function pump(pipe: Fd, target: Writable): Pump {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const memory = new ReadBuffer();
  const taken = () => {
    state.blocked = false;
    state.activity++;
    source.resume();
  };
  const source = chunkReader(pipe, {
    buffer: () => memory.current,
    onChunk: (length) => {
      const chunk = memory.current.subarray(0, length);
      state.activity++;
      state.blocked = true;
      target.write(chunk, taken);
      if (memory.came(length)) enlargePipe(source);
      return false;
    },
  });
  const finish = () => {
    target.off("close", finish);
    source.destroy();
    resolve();
  };
  const state = { ended, activity: 0, blocked: false, destroy: finish };
  for (const event of ["end", "error", "close"]) source.once(event, finish);
  source.on("error", () => {});
  target.once("close", finish);
  if (target.destroyed) finish();
  return state;
}

/**
 * Passes a client's input on and then ends `target`, or leaves it to its owner with `end` false. What comes after the process has
 * closed its side is read and dropped: the client's other streams share one connection with it, and must not stand still.
 */
export function feed(source: NonNullable<ClientStreams["stdin"]>, target: Socket, { end = true } = {}): void {
  // For streams through which much flows.
  target.on("drain", function enlarge() {
    if (target.bytesWritten < muchInput) return;
    target.off("drain", enlarge);
    enlargePipe(target);
  });
  if (source.into && end) {
    target.once("error", () => {});
    source.into(target);
    source.once("close", () => target.end());
    return;
  }
  const drop = () => {
    source.unpipe(target);
    source.resume();
  };
  target.once("error", drop);
  target.once("close", drop);
  source.pipe(target, { end });
  // A client that is gone has ended its input as well.
  source.once("close", () => {
    if (end) target.end();
  });
}

/**
 * Waits for the ends of what a process that is dead has written. A child that it left behind may hold its output open for ever, so
 * when the client could have more and nothing has come for `quietMs` that counts as the end. What lies in a pipe has come, however late
 * this process gets to read it: see withinTime.
 */
export async function drained(transfers: readonly Transfer[], quietMs: number): Promise<void> {
  const all = Promise.all(transfers.map(({ ended }) => ended));
  for (;;) {
    const before = activity(transfers);
    if (await withinTime(all, quietMs)) return;
    if (activity(transfers) === before && !transfers.some(({ blocked }) => blocked)) return;
  }
}

function activity(transfers: readonly Transfer[]): number {
  return transfers.reduce((sum, one) => sum + one.activity, 0);
}
