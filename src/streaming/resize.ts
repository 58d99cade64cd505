import type { Readable } from "node:stream";
import type { TerminalSize } from "./types.ts";

/** Characters of one size; a longer one is no size. */
const maximumLength = 1_024;

/**
 * Reads terminal sizes from a resize stream: JSON objects `{"Width":80,"Height":24}` one after the other, cut anywhere. The latest is
 * kept until somebody listens. Rubbish ends the reading, not the session.
 */
export class ResizeFeed {
  #listener: ((size: TerminalSize) => void) | undefined;
  #latest: TerminalSize | undefined;
  #text = "";

  constructor(stream: Readable | undefined) {
    stream?.on("data", (part: Buffer) => {
      this.#text += part.toString("latin1");
      this.#parse();
    });
  }

  onResize(listener: (size: TerminalSize) => void): void {
    this.#listener = listener;
    if (this.#latest !== undefined) listener(this.#latest);
  }

  #parse(): void {
    for (let end = this.#text.indexOf("}"); end >= 0; end = this.#text.indexOf("}")) {
      const size = parseSize(this.#text.slice(0, end + 1));
      this.#text = this.#text.slice(end + 1);
      if (size === undefined) continue;
      this.#latest = size;
      this.#listener?.(size);
    }
    if (this.#text.length > maximumLength) this.#text = "";
  }
}

/** Sizes are what `struct winsize` can hold; Go's clients send 0 × 0 when they do not know. */
function parseSize(text: string): TerminalSize | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { Width: width, Height: height } = parsed as { Width?: unknown; Height?: unknown };
  return isCount(width) && isCount(height) ? { width, height } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 0xffff;
}
