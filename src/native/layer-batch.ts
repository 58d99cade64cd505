/** What an archive says about an entry beside its content. `xattrs` holds names and values in turn, as byte strings. */
export interface Attributes {
  mode: number;
  uid: number;
  gid: number;
  seconds: number;
  nanoseconds: number;
  xattrs?: string[];
}

/** Kinds of records; native/core/layer_batch.h has the same. */
const record = {
  directory: 1,
  file: 2,
  content: 3,
  hole: 4,
  endFile: 5,
  symlink: 6,
  fifo: 7,
  hardLink: 8,
  whiteout: 9,
  opaque: 10,
} as const;

const firstBytes = 64 * 1024;
/** Numbers of attributes: mode, uid, gid, seconds, nanoseconds, number of extended attributes. */
const attributeBytes = 28;

/**
 * Entries of a layer on their way to the core: records in the form of native/core/layer_record.h, and beside them the memory that
 * files' contents lie in, which are not copied. Paths are byte strings.
 */
export class LayerBatch {
  #buffer = Buffer.allocUnsafeSlow(firstBytes);
  #end = 0;
  readonly #memories: ArrayBufferLike[] = [];

  get empty(): boolean {
    return this.#end === 0;
  }

  /** The records so far; they stay what they are until `clear`. */
  get records(): Uint8Array {
    return this.#buffer.subarray(0, this.#end);
  }

  /** What the contents in the records lie in; a few at the most, since many contents come in one part of an archive. */
  get memories(): Uint8Array[] {
    return this.#memories.map((memory) => new Uint8Array(memory));
  }

  clear(): void {
    this.#end = 0;
    this.#memories.length = 0;
  }

  entry(kind: "directory" | "file" | "fifo", path: string, attributes: Attributes): void {
    this.#kind(record[kind]);
    this.#text(path);
    this.#attributes(attributes);
  }

  symlink(path: string, target: string, attributes: Attributes): void {
    this.#kind(record.symlink);
    this.#text(path);
    this.#text(target);
    this.#attributes(attributes);
  }

  hardLink(path: string, target: string): void {
    this.#kind(record.hardLink);
    this.#text(path);
    this.#text(target);
  }

  note(kind: "whiteout" | "opaque", path: string): void {
    this.#kind(record[kind]);
    this.#text(path);
  }

  /** Content of the file begun last; the bytes must not change before the batch is written. */
  content(bytes: Uint8Array): void {
    const { buffer, byteOffset, byteLength } = bytes;
    let memory = this.#memories.lastIndexOf(buffer);
    if (memory < 0) memory = this.#memories.push(buffer) - 1;
    this.#kind(record.content);
    this.#reserve(12);
    let at = this.#buffer.writeUInt32LE(memory, this.#end);
    at = this.#buffer.writeUInt32LE(byteOffset, at);
    this.#end = this.#buffer.writeUInt32LE(byteLength, at);
  }

  hole(bytes: number): void {
    this.#kind(record.hole);
    this.#reserve(8);
    this.#end = this.#buffer.writeDoubleLE(bytes, this.#end);
  }

  endFile(): void {
    this.#kind(record.endFile);
  }

  #kind(kind: number): void {
    this.#reserve(1);
    this.#buffer[this.#end++] = kind;
  }

  #text(text: string): void {
    this.#reserve(4 + text.length);
    this.#end = this.#buffer.writeUInt32LE(text.length, this.#end);
    this.#end += this.#buffer.write(text, this.#end, "latin1");
  }

  #attributes({ mode, uid, gid, seconds, nanoseconds, xattrs = [] }: Attributes): void {
    this.#reserve(attributeBytes);
    const buffer = this.#buffer;
    let at = buffer.writeUInt32LE(mode, this.#end);
    at = buffer.writeUInt32LE(uid, at);
    at = buffer.writeUInt32LE(gid, at);
    at = buffer.writeDoubleLE(seconds, at);
    at = buffer.writeUInt32LE(nanoseconds, at);
    this.#end = buffer.writeUInt32LE(xattrs.length >> 1, at);
    for (const text of xattrs) this.#text(text);
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#end + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}
