/** Asks `condition` every 20 ms until it says true; an Error naming `what` after `milliseconds`. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  milliseconds: number,
  what: string,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`timed out after ${milliseconds / 1000} s waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
