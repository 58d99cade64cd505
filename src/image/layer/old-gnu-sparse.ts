import type { Sparse } from "./sparse.ts";

const block = 512;
const typeflagAt = 156;
const sparseType = 0x53; // "S"
const fileType = 0x30; // "0"
const longNameType = 0x4c; // "L"
const checksumAt = 148;
const sizeAt = 124;
const entryBytes = 24;
/** Where the parts lie, how many there are at the most, and where it says whether more follow. */
const inHeader = { at: 386, count: 4, moreAt: 482 } as const;
const inFurther = { at: 0, count: 21, moreAt: 504 } as const;
const realSizeAt = 483;
const maximumParts = 200_000;

/**
 * A sparse file in the form of old GNU tar (GNU tar manual, "Basic Tar Format", struct oldgnu_header): the header has four parts of
 * the map, each further block twenty-one.
 */
export class OldGnuSparse {
  readonly #header: Uint8Array;
  readonly #parts: number[] = [];
  readonly #size: number;
  /** More blocks of the map follow. */
  continues: boolean;

  /** Whether a header block is that of such a file. */
  static is(header: Uint8Array): boolean {
    // Only GNU's own magic has the fields: "ustar" and two spaces' worth of version.
    return header[typeflagAt] === sparseType && ascii(header, 257, 8) === "ustar  \0" && intact(header);
  }

  constructor(header: Uint8Array) {
    this.#header = header.slice();
    this.#size = readNumber(header, realSizeAt, 12);
    this.continues = this.#read(header, inHeader);
  }

  /** The next block of the map. */
  continue(data: Uint8Array): void {
    this.continues = this.#read(data, inFurther);
  }

  get map(): Sparse {
    return { parts: this.#parts, size: this.#size };
  }

  /** The header as that of a plain file with the same content. */
  get fileHeader(): Uint8Array {
    return remade(this.#header, fileType);
  }

  /** A header for the next block of the map: a long one of exactly one block. */
  get listHeader(): Uint8Array {
    return remade(this.#header, longNameType, block);
  }

  #read(data: Uint8Array, where: { at: number; count: number; moreAt: number }): boolean {
    for (let i = 0; i < where.count; i++) {
      const at = where.at + i * entryBytes;
      // A part that is not there ends the list.
      if (data[at] === 0) break;
      this.#parts.push(readNumber(data, at, 12), readNumber(data, at + 12, 12));
    }
    if (this.#parts.length > 2 * maximumParts) throw new Error("sparse map is too long");
    return data[where.moreAt] === 1 || data[where.moreAt] === 0x31;
  }
}

function remade(header: Uint8Array, type: number, size?: number): Uint8Array {
  const copy = Buffer.from(header);
  copy[typeflagAt] = type;
  if (size !== undefined) copy.write(`${size.toString(8).padStart(11, "0")}\0`, sizeAt, "latin1");
  copy.write(`${checksum(copy).toString(8).padStart(6, "0")}\0 `, checksumAt, "latin1");
  return copy;
}

/** The sum of all bytes, those of the checksum itself taken for spaces. */
function checksum(header: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < block; i++) if (i < checksumAt || i >= checksumAt + 8) sum += header[i] ?? 0;
  return sum;
}

/** The header is remade with a right checksum, so a wrong one must be noticed here. */
function intact(header: Uint8Array): boolean {
  return Number.parseInt(ascii(header, checksumAt, 8).trim(), 8) === checksum(header);
}

function ascii(data: Uint8Array, at: number, length: number): string {
  return Buffer.from(data.buffer, data.byteOffset + at, length).toString("latin1");
}

/** Octal text, or base-256 with the first bit set. A negative or unreadable one becomes NaN, which the map's reader refuses. */
function readNumber(data: Uint8Array, at: number, length: number): number {
  const first = data[at] ?? 0;
  if (first === 0x80) {
    let value = 0;
    for (let i = 1; i < length; i++) value = value * 256 + (data[at + i] ?? 0);
    return value;
  }
  const text = ascii(data, at, length)
    .replace(/[\0 ]+$/, "")
    .trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}
