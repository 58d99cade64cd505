/** Elements in groups of at most `size`: what would be one message of a list becomes several of a stream, each far from gRPC's limit. */
export function* parts<T>(elements: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < elements.length; at += size) yield elements.slice(at, at + size);
}
