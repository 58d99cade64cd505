/** Container logs in CRI's format: `<RFC 3339 time> stdout|stderr F|P <text>`, a file whose path ContainerStatus names. */

export interface LogLine {
  time: string;
  stream: "stdout" | "stderr";
  /** False when the line was too long for one record and goes on in the next. */
  complete: boolean;
  text: string;
}

/** One record without its newline; undefined for what is no record (a torn write after a power cut). */
export function parseLogLine(record: string): LogLine | undefined {
  const match = /^(\S+) (stdout|stderr) ([FP])(?::\S*)?(?: |$)(.*)$/s.exec(record);
  if (!match) return undefined;
  const [, time = "", stream, flag, text = ""] = match;
  return { time, stream: stream === "stderr" ? "stderr" : "stdout", complete: flag === "F", text };
}

/** What the process itself wrote: a newline only where it ended the line. */
export function printed(line: LogLine): string {
  return line.complete ? `${line.text}\n` : line.text;
}

/** Cuts a growing file's bytes into records; what has no newline yet waits for more. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): string[] {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    this.#rest = bytes.subarray(end);
    return end === 0
      ? []
      : bytes
          .subarray(0, end - 1)
          .toString()
          .split("\n");
  }
}

/** The last `count` whole lines of records; a line may be several records long. */
export function tail(lines: LogLine[], count: number): LogLine[] {
  let whole = 0;
  for (let index = lines.length - 1; index >= 0; index--) {
    if (lines[index]?.complete) whole++;
    if (whole > count) return lines.slice(index + 1);
  }
  return lines;
}

/** Adds lines to those of which only the last `count` will be shown, and now and then drops what will not be. */
export function keepTail(kept: LogLine[], more: readonly LogLine[], count: number): void {
  for (const line of more) kept.push(line);
  if (kept.length > 10_000 && kept.length > 4 * count) kept.splice(0, kept.length - tail(kept, count).length);
}

/** The lines written at `time` (RFC 3339 with nanoseconds, UTC) or later; all without one. Times of that form sort as text. */
export function since(lines: LogLine[], time: string | undefined): LogLine[] {
  return time === undefined ? lines : lines.filter((line) => line.time >= time);
}
