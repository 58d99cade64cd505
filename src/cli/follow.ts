import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type LogLine, parseLogLine, RecordReader } from "./log.ts";
import { type LogFileName, logFiles } from "./log-files.ts";

/** How often a followed log is looked at: quick enough for a person, slow enough not to be felt by the machine. */
const pauseMilliseconds = 50;
const chunkBytes = 256 * 1024;

/**
 * Reads a container's log, what was rotated away included, also while it grows and is rotated: by a kubelet, which renames the file and
 * then lets it be opened anew, or by lichen.
 */
export class LogFile {
  readonly #path: string;
  readonly #missed: () => void;
  readonly #buffer = Buffer.allocUnsafe(chunkBytes);
  #file: FileHandle | undefined;
  #inode = 0n;
  #reader = new RecordReader();

  /** `missed` is called when files were removed before they could be read. */
  constructor(path: string, missed: () => void = () => {}) {
    this.#path = path;
    this.#missed = missed;
  }

  /** The records written since the last call, some at a time. */
  async *read(): AsyncGenerator<LogLine[]> {
    for (;;) {
      yield* this.#readOpen();
      const next = await this.#next();
      if (next === undefined) return;
      // Nothing is written to a file any more as soon as there is a newer one; but it may have been since it was read.
      yield* this.#readOpen();
      await this.close();
      if (!(await this.#open(next))) return;
    }
  }

  async *#readOpen(): AsyncGenerator<LogLine[]> {
    while (this.#file) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, chunkBytes, null);
      if (bytesRead === 0) return;
      const records = this.#reader.push(this.#buffer.subarray(0, bytesRead));
      yield records.map(parseLogLine).filter((line) => line !== undefined);
    }
  }

  /** The file after the open one, or the first. */
  async #next(): Promise<LogFileName | undefined> {
    const files = await logFiles(this.#path);
    const place = files.findIndex(({ inode }) => inode === this.#inode);
    if (place < 0 && this.#file && files.length > 0) this.#missed();
    return files[place + 1];
  }

  /** False when the file has another name now, or none: then the next reading finds it, or what follows. */
  async #open({ path, inode }: LogFileName): Promise<boolean> {
    const file = await open(path).catch(() => undefined);
    if (file === undefined) return false;
    if ((await file.stat({ bigint: true })).ino !== inode) {
      await file.close();
      return false;
    }
    this.#file = file;
    this.#inode = inode;
    this.#reader = new RecordReader();
    return true;
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
    for await (const lines of log.read()) print(lines);
    if (last) return;
    await sleep(pauseMilliseconds);
  }
}
