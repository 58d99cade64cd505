import { colours } from "./colours.ts";

/** Shows a person's terminal that `work` goes on, and for how long; says nothing in a pipe. The line is gone when the work is done. */
export async function waiting<T>(what: string, work: Promise<T>): Promise<T> {
  if (process.stderr.isTTY !== true) return work;
  const began = Date.now();
  const show = (): void => {
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    process.stderr.write(`\r${what} … ${colours.dim(`${seconds} s`)} `);
  };
  const ticking = setInterval(show, 200);
  try {
    return await work;
  } finally {
    clearInterval(ticking);
    process.stderr.write("\r\u001b[K");
  }
}
