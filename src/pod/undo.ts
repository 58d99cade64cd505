import type { Log } from "./types.ts";

/** The steps that take back what was done so far, for when a later step fails. */
export class Undo {
  readonly #steps: { what: string; step: () => Promise<void> | void }[] = [];
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Notes how to take back what has just been done, or is about to be. */
  add(what: string, step: () => Promise<void> | void): void {
    this.#steps.push({ what, step });
  }

  /** Takes everything back, last step first. A step that fails is logged and does not keep the others from running. */
  async run(): Promise<void> {
    for (const { what, step } of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error({ err: error }, `could not undo: ${what}`);
      }
    }
    this.#steps.length = 0;
  }
}
