import type { Halves } from "#cri";

const low32 = 0xffff_ffffn;
let last: { number: bigint; halves: Halves } | undefined;

/** A number of nanoseconds as messages take it without loss; not negative. The same time is in many messages of an answer, one after the other. */
export function halves(number: bigint): Halves {
  if (last?.number === number) return last.halves;
  last = { number, halves: { low: Number(number & low32), high: Number(number >> 32n) } };
  return last.halves;
}
