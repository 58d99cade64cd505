/** setTimeout's largest delay, 24.8 days: a longer one would end at once. */
const longestDelay = 2 ** 31 - 1;

/**
 * What the promise gives, or undefined when that takes longer than `milliseconds`. What has come by then counts, even where this process
 * had no time to look: after a delay of its own the event loop runs timers first.
 */
export async function withinTime<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => setImmediate(resolve, undefined), Math.min(milliseconds, longestDelay));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
