import { type LayerProgress, LayerProgressState } from "#lichen";
import { bytes, shortId } from "../format.ts";
import { bars, duration, sum } from "./bars.ts";
import { Speed } from "./speed.ts";

/** Where progress is shown: standard error, or what a test puts in its place. */
export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

interface Step {
  layers: LayerProgress[];
}

/**
 * Shows how layers come, as messages tell it: bars in a terminal, redrawn in place and gone at the end, or a line for each layer
 * in a pipe; then a line about the whole. Gives the last message.
 */
export async function showLayers<T extends Step>(
  title: string,
  steps: AsyncIterable<T>,
  terminal: Terminal = process.stderr,
): Promise<T | undefined> {
  const began = performance.now();
  const picture = terminal.isTTY === true ? new Bars(title, terminal) : new Lines(title, terminal);
  let last: T | undefined;
  let layers: LayerProgress[] = [];
  try {
    for await (const step of steps) {
      last = step;
      if (step.layers.length === 0) continue;
      layers = step.layers;
      picture.show(layers);
    }
  } finally {
    picture.end();
  }
  if (layers.length > 0) terminal.write(`${summary(layers, performance.now() - began)}\n`);
  return last;
}

function summary(layers: readonly LayerProgress[], milliseconds: number): string {
  const fetched = layers.filter(({ state }) => state !== LayerProgressState.PRESENT);
  if (fetched.length === 0) return `all ${countOf(layers)} were here already`;
  const size = sum(fetched, "size");
  const seconds = milliseconds / 1000;
  const time = seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds);
  const here = layers.length - fetched.length;
  return `${countOf(fetched)}, ${bytes(size)} in ${time} (${bytes(Math.round(size / seconds))}/s)${here === 0 ? "" : `; ${here} of ${layers.length} here already`}`;
}

function countOf(layers: readonly LayerProgress[]): string {
  return layers.length === 1 ? "1 layer" : `${layers.length} layers`;
}

/** For a person: redrawn in place. */
class Bars {
  readonly #title: string;
  readonly #terminal: Terminal;
  readonly #speed = new Speed();
  readonly #unicode = /utf-?8/i.test(process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || "");
  #drawn = 0;

  constructor(title: string, terminal: Terminal) {
    this.#title = title;
    this.#terminal = terminal;
    this.#draw([title]);
  }

  show(layers: readonly LayerProgress[]): void {
    const { columns = 80, rows = 24 } = this.#terminal;
    this.#speed.note(sum(layers, "received"), performance.now());
    const room = { columns, rows: rows - 2, unicode: this.#unicode, speed: this.#speed.perSecond };
    this.#draw([this.#title.slice(0, columns - 1), ...bars(layers, room)]);
  }

  end(): void {
    this.#draw([]);
  }

  #draw(lines: string[]): void {
    // Up to the first line of before, and what is below it away.
    const back = this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A\r\u001b[J`;
    this.#terminal.write(back + lines.map((line) => `${line}\n`).join(""));
    this.#drawn = lines.length;
  }
}

/** For a file or a program: what has happened, once. */
class Lines {
  readonly #title: string;
  readonly #terminal: Terminal;
  readonly #told = new Set<string>();
  #begun = false;

  constructor(title: string, terminal: Terminal) {
    this.#title = title;
    this.#terminal = terminal;
  }

  show(layers: readonly LayerProgress[]): void {
    const moving = layers.filter(({ state }) => state !== LayerProgressState.PRESENT);
    if (!this.#begun) {
      const part = moving.length === layers.length ? "" : ` in ${moving.length} of them`;
      const amount = moving.length === 0 ? "" : `, ${bytes(sum(moving, "size"))}${part} to fetch`;
      this.#terminal.write(`${this.#title}: ${countOf(layers)}${amount}\n`);
      this.#begun = true;
    }
    for (const { digest, size, state } of moving) {
      if (state !== LayerProgressState.DONE || this.#told.has(digest)) continue;
      this.#told.add(digest);
      this.#terminal.write(`${shortId(digest)}: ${bytes(size)}\n`);
    }
  }

  end(): void {}
}
