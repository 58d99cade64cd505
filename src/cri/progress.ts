import { setTimeout as sleep } from "node:timers/promises";

/** More often nobody can see. */
const betweenMs = 100;

/**
 * What `work` reports while it goes on, the latest each time and at most ten times a second; returns what the work gives. Who
 * leaves the iteration early ends the work by other means.
 */
export async function* progressOf<P, R>(
  work: (report: (progress: P) => void) => Promise<R>,
): AsyncGenerator<P, R> {
  let latest: { progress: P } | undefined;
  let ended = false;
  let wake = () => {};
  const result = work((progress) => {
    latest = { progress };
    wake();
  }).finally(() => {
    ended = true;
    wake();
  });
  // Told below; and to nobody, when nobody listens any more.
  const settled = result.then(
    () => {},
    () => {},
  );
  for (;;) {
    if (latest === undefined && !ended)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    if (latest !== undefined) {
      const { progress } = latest;
      latest = undefined;
      yield progress;
    }
    if (ended) return await result;
    await Promise.race([settled, sleep(betweenMs)]);
  }
}
