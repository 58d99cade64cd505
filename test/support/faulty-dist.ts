import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const checkout = join(import.meta.dirname, "../..");
const program = join(checkout, "build/Release/native-tests");
/** Of native/core/fault.cc. */
const pageSize = 4096;
const toldAt = 512;

/** A dist/ whose monitor is the native tests' executable: its steps can be made to fail (native/core/fault.h). */
export class FaultyDist {
  readonly directory: string;
  readonly #page: string;

  /** undefined when the executable was not built. */
  static make(): FaultyDist | undefined {
    return existsSync(program) ? new FaultyDist() : undefined;
  }

  private constructor() {
    const built = process.env.LICHEN_DIST ?? join(checkout, "dist");
    this.directory = mkdtempSync(join(tmpdir(), "lichen-faulty-"));
    mkdirSync(join(this.directory, "bin"));
    for (const name of readdirSync(built)) {
      if (name !== "bin") cpSync(join(built, name), join(this.directory, name), { recursive: true });
    }
    for (const name of readdirSync(join(built, "bin"))) {
      const target = name === "lichen-monitor" ? program : join(built, "bin", name);
      symlinkSync(target, join(this.directory, "bin", name));
    }
    this.#page = join(this.directory, "bin/fault");
    this.#write("");
  }

  /** From the next request for `operation` on, step `number` of whoever works on it fails. */
  arm(operation: string, number: number): void {
    this.#write(`${operation} ${number}`);
  }

  disarm(): void {
    this.#write("");
  }

  /** The step that has failed ("native/core/fd.cc:40") since the last arm(); "" for none. */
  told(): string {
    return readFileSync(this.#page, "latin1")
      .slice(toldAt)
      .replace(/[\0\n ]+.*/s, "");
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** In place: monitors have the page mapped. */
  #write(text: string): void {
    const file = openSync(this.#page, existsSync(this.#page) ? "r+" : "w+");
    writeSync(file, Buffer.from(text.padEnd(toldAt)).toString("latin1").padEnd(pageSize, "\0"), 0, "latin1");
    closeSync(file);
  }
}
