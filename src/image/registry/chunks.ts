import type { Readable } from "node:stream";

/**
 * What a stream reads, chunk by chunk as it was read, and no further ahead than it does by itself. The stream's own iterator joins
 * what has come in the meantime, in new memory. Whoever stops early destroys the stream; its failure is thrown.
 */
export async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  let wake = (): void => {};
  let chunk: Uint8Array | undefined;
  let ended = false;
  let failure: { error: unknown } | undefined;
  stream.on("data", (read: Uint8Array) => {
    chunk = read;
    stream.pause();
    wake();
  });
  stream.once("end", () => {
    ended = true;
    wake();
  });
  stream.once("error", (error) => {
    failure = { error };
    wake();
  });
  stream.once("close", () => {
    if (!ended) failure ??= { error: new Error("the stream was closed before its end") };
    wake();
  });
  try {
    for (;;) {
      if (chunk !== undefined) {
        const read = chunk;
        chunk = undefined;
        yield read;
        continue;
      }
      if (failure !== undefined) throw failure.error;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        stream.resume();
      });
    }
  } finally {
    if (!ended) stream.destroy();
  }
}
