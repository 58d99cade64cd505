import { refusal } from "./refusal.ts";

/**
 * A sparse file of an archive: where its content lies, as offset and length in turn, and how long it is with its holes. In PAX
 * form 1.0 (`parts` absent) the content itself begins with that list.
 */
export interface Sparse {
  parts: readonly number[] | undefined;
  size: number;
}

/** What a sparse file is written to: parts of content, and holes between them. */
export interface SparseSink {
  append(bytes: Uint8Array): void;
  hole(bytes: number): void;
}

const block = 512;
/** A list longer than this is no list. */
const maximumListBytes = 4 * 1024 * 1024;
const newline = 0x0a;

/** The sparse form that PAX records ask for (GNU tar manual, "Storing Sparse Files"), with the name that the file really has. */
export function paxSparse(
  pax: Readonly<Record<string, string>>,
  name: string,
): { name: string; sparse: Sparse } | undefined {
  const realName = pax["GNU.sparse.name"] ?? name;
  if ("GNU.sparse.major" in pax) {
    const version = `${pax["GNU.sparse.major"]}.${pax["GNU.sparse.minor"]}`;
    if (version !== "1.0") throw refusal(name, `sparse files of the form ${version} are not known`);
    return { name: realName, sparse: { parts: undefined, size: whole(pax["GNU.sparse.realsize"], name) } };
  }
  const map = pax["GNU.sparse.map"];
  if (map === undefined) {
    if (!("GNU.sparse.size" in pax)) return undefined;
    // Form 0.0 without any part: nothing but a hole.
    return { name: realName, sparse: { parts: [], size: whole(pax["GNU.sparse.size"], name) } };
  }
  const parts = map === "" ? [] : map.split(",").map((text) => whole(text, name));
  return { name: realName, sparse: { parts, size: whole(pax["GNU.sparse.size"], name) } };
}

function whole(text: string | undefined, name: string): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw refusal(name, "a number of its sparse map is none");
  return value;
}

/** Puts the content of one sparse file where it belongs. Refuses a map that is out of order, overlaps or does not fit the content. */
export class SparseContent {
  readonly #name: string;
  readonly #sink: SparseSink;
  readonly #size: number;
  #parts: readonly number[] | undefined;
  /** How much content has come, and how much of it was the list. */
  #taken = 0;
  #list: Buffer = Buffer.alloc(0);
  #listEnd = 0;
  /** The next part, what of it has come, and how far the file is written. */
  #part = 0;
  #inPart = 0;
  #at = 0;

  constructor(name: string, sparse: Sparse, sink: SparseSink) {
    this.#name = name;
    this.#sink = sink;
    this.#size = sparse.size;
    if (sparse.parts !== undefined) this.#begin(sparse.parts);
  }

  write(bytes: Uint8Array): void {
    const rest = this.#parts === undefined ? this.#readList(bytes) : this.#skipList(bytes);
    if (rest !== undefined) this.#place(rest);
  }

  /** All content has come. */
  end(): void {
    const parts = this.#parts;
    if (parts === undefined) throw this.#refuse("its sparse map is not whole");
    // A part without content at the end says how long the file is.
    while (this.#part < parts.length && parts[this.#part + 1] === 0) this.#part += 2;
    if (this.#part < parts.length) throw this.#refuse("its sparse map promises more content than there is");
    this.#sink.hole(this.#size - this.#at);
  }

  #begin(parts: readonly number[]): void {
    if (parts.length % 2 !== 0) throw this.#refuse("its sparse map is not whole");
    if (![this.#size, ...parts].every((number) => Number.isSafeInteger(number) && number >= 0))
      throw this.#refuse("a number of its sparse map is none");
    let end = 0;
    for (let i = 0; i < parts.length; i += 2) {
      const [offset = 0, length = 0] = [parts[i], parts[i + 1]];
      if (offset < end) throw this.#refuse("the parts of its sparse map overlap or are out of order");
      end = offset + length;
      if (end > this.#size) throw this.#refuse("its sparse map goes beyond its size");
    }
    this.#parts = parts;
  }

  /** Form 1.0: decimal numbers, one a line: how many parts, then offset and length of each; zeros up to a whole block. */
  #readList(bytes: Uint8Array): Uint8Array | undefined {
    this.#list = Buffer.concat([this.#list, bytes]);
    const numbers: number[] = [];
    let at = 0;
    for (let wanted = 1; numbers.length < wanted; ) {
      const end = this.#list.indexOf(newline, at);
      if (end < 0) {
        if (this.#list.length > maximumListBytes) throw this.#refuse("its sparse map is too long");
        return undefined;
      }
      numbers.push(whole(this.#list.toString("latin1", at, end), this.#name));
      at = end + 1;
      if (numbers.length === 1) {
        wanted = 1 + 2 * (numbers[0] ?? 0);
        if (wanted > maximumListBytes / 2) throw this.#refuse("its sparse map is too long");
      }
    }
    this.#listEnd = Math.ceil(at / block) * block;
    this.#taken = this.#list.length;
    this.#begin(numbers.slice(1));
    const rest = this.#list.subarray(Math.min(this.#listEnd, this.#list.length));
    this.#list = Buffer.alloc(0);
    return rest;
  }

  /** Leaves out what of the list's last block is still to come. */
  #skipList(bytes: Uint8Array): Uint8Array {
    const skip = Math.min(Math.max(this.#listEnd - this.#taken, 0), bytes.length);
    this.#taken += bytes.length;
    return bytes.subarray(skip);
  }

  #place(bytes: Uint8Array): void {
    const parts = this.#parts ?? [];
    for (let rest = bytes; rest.length > 0; ) {
      const [offset, length] = [parts[this.#part], parts[this.#part + 1]];
      if (offset === undefined || length === undefined)
        throw this.#refuse("it has more content than its sparse map says");
      const piece = rest.subarray(0, length - this.#inPart);
      if (piece.length > 0) {
        this.#sink.hole(offset + this.#inPart - this.#at);
        this.#sink.append(piece);
        this.#inPart += piece.length;
        this.#at = offset + this.#inPart;
      }
      rest = rest.subarray(piece.length);
      if (this.#inPart === length) {
        this.#part += 2;
        this.#inPart = 0;
      }
    }
  }

  #refuse(reason: string): Error {
    return refusal(this.#name, reason);
  }
}
