import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type LogLine, parseLogLine, RecordReader } from "./log.ts";

/** How often a followed log is looked at: quick enough for a person, slow enough not to be felt by the machine. */
const pauseMilliseconds = 50;

/** Reads a container's log file, also while it grows and across rotation (the path then names a new file). */
export class LogFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  #inode = 0;
  #reader = new RecordReader();

  constructor(path: string) {
    this.#path = path;
  }

  /** The records written since the last call. */
  async read(): Promise<LogLine[]> {
    const lines = await this.#readOpen();
    const current = await stat(this.#path).catch(() => undefined);
    if (!current || current.ino === this.#inode) return lines;
    await this.close();
    this.#file = await open(this.#path);
    this.#inode = current.ino;
    this.#reader = new RecordReader();
    return [...lines, ...(await this.#readOpen())];
  }

  async #readOpen(): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    const buffer = Buffer.alloc(256 * 1024);
    while (this.#file) {
      const { bytesRead } = await this.#file.read(buffer);
      if (bytesRead === 0) break;
      for (const record of this.#reader.push(buffer.subarray(0, bytesRead))) {
        const line = parseLogLine(record);
        if (line) lines.push(line);
      }
    }
    return lines;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}

/** Gives `print` every record until `ended` answers true and nothing more is to be read. */
export async function follow(
  log: LogFile,
  ended: () => Promise<boolean>,
  print: (lines: LogLine[]) => void,
): Promise<void> {
  for (;;) {
    // Asked before reading: what was written before the end is then read after it.
    const last = await ended();
    print(await log.read());
    if (last) return;
    await sleep(pauseMilliseconds);
  }
}
