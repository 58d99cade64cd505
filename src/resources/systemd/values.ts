/** A value as D-Bus has it: numbers, 64-bit ones as bigint; strings, also for object paths and signatures; arrays and structs as lists. */
export type Value = boolean | number | bigint | string | Variant | readonly Value[];

/** A value that says its own type. */
export interface Variant {
  type: string;
  value: Value;
}

const boundaries: Record<string, number> = {
  ...{ y: 1, g: 1, v: 1, b: 4, u: 4, i: 4, s: 4, o: 4, a: 4, t: 8, "(": 8, "{": 8 },
};

/** Whole types of a signature: `sa(sv)u` are `s`, `a(sv)` and `u`. */
export function completeTypes(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number): number {
  let depth = 0;
  for (let index = at; index < signature.length; index++) {
    const letter = signature[index] ?? "";
    if (letter === "(" || letter === "{") depth++;
    else if (letter === ")" || letter === "}") depth--;
    else if (boundaries[letter] === undefined) break;
    if (depth === 0 && letter !== "a") return index + 1;
  }
  throw new Error(`"${signature}" is no D-Bus signature that is known here`);
}

/** Writes values in the form of the D-Bus specification ("Marshaling"), little-endian. */
export class Writer {
  #bytes = Buffer.alloc(256);
  #length = 0;

  /** What was written; a view that the next write may change. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Zeroes up to the next multiple of `boundary`. */
  align(boundary: number): void {
    this.#reserve((boundary - (this.#length % boundary)) % boundary);
  }

  /** One value for each type of the signature. */
  write(signature: string, values: readonly Value[]): void {
    const types = completeTypes(signature);
    if (types.length !== values.length)
      throw new Error(`${values.length} values are not of the types ${signature}`);
    for (const [index, type] of types.entries()) this.#value(type, values[index] as Value);
  }

  #value(type: string, value: Value): void {
    const kind = type[0] ?? "";
    this.align(boundaries[kind] ?? 1);
    if (kind === "y") this.#put(1, (bytes, at) => bytes.writeUInt8(Number(value), at));
    else if (kind === "b") this.#put(4, (bytes, at) => bytes.writeUInt32LE(value ? 1 : 0, at));
    else if (kind === "u") this.#put(4, (bytes, at) => bytes.writeUInt32LE(Number(value), at));
    else if (kind === "i") this.#put(4, (bytes, at) => bytes.writeInt32LE(Number(value), at));
    else if (kind === "t") this.#put(8, (bytes, at) => bytes.writeBigUInt64LE(BigInt(value as bigint), at));
    else if (kind === "s" || kind === "o") this.#text(String(value), 4);
    else if (kind === "g") this.#text(String(value), 1);
    else if (kind === "a") this.#array(type.slice(1), value as readonly Value[]);
    else if (kind === "v") this.#variant(value as Variant);
    else this.write(type.slice(1, -1), value as readonly Value[]);
  }

  #text(text: string, lengthBytes: 1 | 4): void {
    const encoded = Buffer.from(text);
    this.#put(lengthBytes, (bytes, at) => bytes.writeUIntLE(encoded.length, at, lengthBytes));
    this.#put(encoded.length + 1, (bytes, at) => encoded.copy(bytes, at));
  }

  #array(element: string, values: readonly Value[]): void {
    const length = this.#reserve(4);
    this.align(boundaries[element[0] ?? ""] ?? 1);
    const first = this.#length;
    for (const value of values) this.#value(element, value);
    this.#bytes.writeUInt32LE(this.#length - first, length);
  }

  #variant({ type, value }: Variant): void {
    this.#text(type, 1);
    this.#value(type, value);
  }

  #put(length: number, write: (bytes: Buffer, at: number) => void): void {
    const at = this.#reserve(length);
    write(this.#bytes, at);
  }

  /** Room for so many bytes, which are zero; where they begin. */
  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}

/** Reads what a Writer writes. Beyond the end of the bytes it throws a RangeError. */
export class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  align(boundary: number): void {
    this.at += (boundary - (this.at % boundary)) % boundary;
  }

  /** One value for each type of the signature. */
  read(signature: string): Value[] {
    return completeTypes(signature).map((type) => this.#value(type));
  }

  #value(type: string): Value {
    const kind = type[0] ?? "";
    this.align(boundaries[kind] ?? 1);
    if (kind === "y") return this.#bytes.readUInt8(this.#skip(1));
    if (kind === "b") return this.#bytes.readUInt32LE(this.#skip(4)) !== 0;
    if (kind === "u") return this.#bytes.readUInt32LE(this.#skip(4));
    if (kind === "i") return this.#bytes.readInt32LE(this.#skip(4));
    if (kind === "t") return this.#bytes.readBigUInt64LE(this.#skip(8));
    if (kind === "s" || kind === "o") return this.#text(this.#bytes.readUInt32LE(this.#skip(4)));
    if (kind === "g") return this.#text(this.#bytes.readUInt8(this.#skip(1)));
    if (kind === "a") return this.#array(type.slice(1));
    if (kind === "v") return this.#variant();
    return this.read(type.slice(1, -1));
  }

  #text(length: number): string {
    const at = this.#skip(length + 1);
    return this.#bytes.toString("utf8", at, at + length);
  }

  #array(element: string): Value[] {
    const length = this.#bytes.readUInt32LE(this.#skip(4));
    this.align(boundaries[element[0] ?? ""] ?? 1);
    const end = this.at + length;
    if (end > this.#bytes.length) throw new RangeError("an array is longer than its message");
    const values: Value[] = [];
    while (this.at < end) values.push(this.#value(element));
    return values;
  }

  #variant(): Variant {
    const type = this.#text(this.#bytes.readUInt8(this.#skip(1)));
    return { type, value: this.#value(type) };
  }

  #skip(bytes: number): number {
    const at = this.at;
    this.at += bytes;
    if (this.at > this.#bytes.length) throw new RangeError("a value is longer than its message");
    return at;
  }
}
