import { Transform } from "node:stream";

const ctrlP = 0x10;
const ctrlQ = 0x11;

/** Passes keys on until ctrl-p ctrl-q are typed, which call `detach` and go nowhere. A ctrl-p alone waits for the next key. */
export class DetachKeys extends Transform {
  readonly #detach: () => void;
  #held = false;

  constructor(detach: () => void) {
    super();
    this.#detach = detach;
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    const passed: number[] = [];
    for (const key of chunk) {
      if (this.#held && key === ctrlQ) {
        this.#held = false;
        this.push(Buffer.from(passed));
        this.#detach();
        done();
        return;
      }
      if (this.#held) passed.push(ctrlP);
      this.#held = key === ctrlP;
      if (!this.#held) passed.push(key);
    }
    this.push(Buffer.from(passed));
    done();
  }

  override _flush(done: () => void): void {
    if (this.#held) this.push(Buffer.of(ctrlP));
    done();
  }
}
