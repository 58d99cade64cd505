/** Bytes of streams that pass between two collections. */
const interval = 8 * 1024 * 1024;

let passedBytes = 0;

/**
 * To be told of bytes that came from a socket or pipe. Node puts each read into memory of its own outside V8's heap, and V8 only thinks of
 * freeing that by a collection of the whole heap, which costs more than moving the bytes does. Collecting the young objects now and then,
 * which takes a fraction of a millisecond, frees what has been passed on.
 */
export function passed(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < interval) return;
  passedBytes = 0;
  globalThis.gc?.({ type: "minor" });
}
