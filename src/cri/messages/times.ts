/** Now, in nanoseconds since the epoch, as CRI wants times. */
export function nowNanoseconds(): string {
  return String(BigInt(Date.now()) * 1_000_000n);
}
