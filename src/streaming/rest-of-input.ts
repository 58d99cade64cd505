import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { InputStream } from "./types.ts";

/** Milliseconds without a byte after which a client counts as having nothing to send at the moment. */
const quiet = 25;
/** Milliseconds that a client gets which goes on sending. */
const patience = 250;

/**
 * Drops what a client still sends to a command that has ended. Resolves when the client has ended its input or is gone; when nothing has
 * come for a moment; or after a quarter of a second. A client that hears of its session's end in the middle of sending takes it for a
 * failure: client-go says "Copying stdin failed" into the command's error output.
 */
export async function dropRestOfInput(stdin: InputStream): Promise<void> {
  stdin.resume();
  const heard = new AbortController();
  const { signal } = heard;
  const ended = finished(stdin, { writable: false, signal }).then(
    () => true,
    () => true,
  );
  try {
    for (const began = performance.now(); performance.now() - began < patience; ) {
      const before = stdin.bytesReceived;
      if (await Promise.race([ended, sleep(quiet, false, { signal })])) return;
      if (stdin.bytesReceived === before) return;
    }
  } finally {
    heard.abort();
  }
}
