import { type Extract, extract, type Header } from "tar-stream";
import { OldGnuSparse } from "./old-gnu-sparse.ts";
import { type PlainHeader, readPlainHeader } from "./plain-header.ts";
import type { Sparse } from "./sparse.ts";

/**
 * A tar reader whose names, link targets and PAX values are byte strings (one character a byte): file names need not be
 * UTF-8, and extended attributes such as security.capability are binary. Its headers say of sparse files in the old GNU form where
 * their content lies (`sparse`, as EntryHeader has it).
 *
 * tar-stream decodes ustar and GNU names as it is told, but PAX records always as UTF-8, which destroys other bytes, and does not
 * know sparse files; some of its methods are therefore replaced on the instance. A unit test notices if its internals change.
 */
export function byteExtract(): Extract {
  // Its types do not know this documented option.
  const options: object = { filenameEncoding: "latin1" };
  const reader = extract(options) as Extract & Internals;
  readPlainHeaders(reader);
  goOnWithoutRecursion(reader);
  readPaxAsBytes(reader);
  readOldGnuSparse(reader);
  return reader;
}

/** Whether the reader has taken in everything that it was given: nothing of the last chunk waits for the next one. */
export function hasLeftover(reader: Extract): boolean {
  return (reader as Extract & Internals)._buffer.buffered > 0;
}

const headerBytes = 512;
/** Larger PAX headers are for the reader to judge. */
const usualPaxBytes = 1024 * 1024;

interface Internals {
  _header: (Header | PlainHeader) & { sparse?: Sparse };
  _pax: Record<string, string> | null;
  _paxGlobal: Record<string, string> | null;
  _buffer: { buffered: number; shift(size: number): Uint8Array | null };
  _locked: boolean;
  _stream: unknown;
  _unlockBound: (error?: unknown) => void;
  _longHeader: boolean;
  _missing: number;
  _createStream(): unknown;
  _consumeHeader(): boolean;
  _applyLongHeaders(): void;
  _continueWrite(error: Error | null): void;
  emit(event: "entry", header: PlainHeader, content: unknown, next: (error?: unknown) => void): boolean;
  _decodeLongHeader(data: Uint8Array): void;
  _final(done: (error: Error | null) => void): void;
}

/**
 * Headers that readPlainHeader knows are taken from there: it is the reader's own decoding of each header that costs most of reading
 * an archive. What follows them is as in the reader's own method.
 */
function readPlainHeaders(reader: Internals): void {
  let again: Uint8Array | undefined;
  const { shift } = reader._buffer;
  reader._buffer.shift = function next(size: number): Uint8Array | null {
    if (again === undefined) return shift.call(this, size);
    const block = again;
    again = undefined;
    return block;
  };
  const consumeHeader = reader._consumeHeader;
  reader._consumeHeader = function consume(): boolean {
    if (this._locked) return false;
    const block = this._buffer.shift(headerBytes)!;
    const header = readPlainHeader(block);
    if (header === undefined || (header.type === "pax-header" && header.size > usualPaxBytes)) {
      again = block;
      return consumeHeader.call(this);
    }
    this._header = header;
    if (header.type === "pax-header") {
      this._longHeader = true;
      this._missing = header.size;
      return true;
    }
    this._locked = true;
    this._applyLongHeaders();
    const { size, type } = header;
    if (!(size >= 0)) {
      this._continueWrite(new Error("Invalid header"));
      return false;
    }
    const content = this._createStream();
    if (size > 0 && type !== "directory") {
      this._stream = content;
      this._missing = size;
    }
    this.emit("entry", header, content, this._unlockBound);
    return true;
  };
}

/**
 * Whoever calls `next` at once, as for an entry without content, would make the reader go on from within itself: a few hundred such
 * entries in one chunk and the stack is full. It goes on by itself as soon as it finds that nothing holds it any more.
 */
function goOnWithoutRecursion(reader: Internals): void {
  let consuming = false;
  const consumeHeader = reader._consumeHeader;
  reader._consumeHeader = function consume(): boolean {
    consuming = true;
    try {
      return consumeHeader.call(this);
    } finally {
      consuming = false;
    }
  };
  const unlock = reader._unlockBound;
  reader._unlockBound = (error) => {
    if (consuming && !error) reader._locked = false;
    else unlock(error);
  };
}

function readPaxAsBytes(reader: Internals): void {
  const original = reader._decodeLongHeader;
  reader._decodeLongHeader = function decode(data: Uint8Array): void {
    const type: string | undefined = this._header.type ?? undefined;
    if (type === "pax-header") this._pax = { ...this._paxGlobal, ...decodePax(data) };
    else if (type === "pax-global-header") this._paxGlobal = decodePax(data);
    else original.call(this, data);
  };
}

/**
 * The old GNU form has more header blocks after the first, which count neither as header nor as content. The first is shown to the
 * reader as a long header of one block, which the further ones then are; at last comes the header itself, as that of a plain file.
 */
function readOldGnuSparse(reader: Internals): void {
  let sparse: OldGnuSparse | undefined;
  let waiting: Uint8Array | undefined;
  let expectsHeader = false;
  const { shift } = reader._buffer;
  reader._buffer.shift = function next(size: number): Uint8Array | null {
    if (!expectsHeader) return shift.call(this, size);
    expectsHeader = false;
    if (waiting !== undefined) {
      const header = waiting;
      waiting = undefined;
      return header;
    }
    const header = shift.call(this, size);
    if (header === null || !OldGnuSparse.is(header)) return header;
    sparse = new OldGnuSparse(header);
    if (!sparse.continues) return sparse.fileHeader;
    return sparse.listHeader;
  };
  const consumeHeader = reader._consumeHeader;
  reader._consumeHeader = function consume(): boolean {
    expectsHeader = true;
    try {
      return consumeHeader.call(this);
    } finally {
      expectsHeader = false;
    }
  };
  const decodeLongHeader = reader._decodeLongHeader;
  reader._decodeLongHeader = function decode(data: Uint8Array): void {
    if (sparse === undefined || !sparse.continues) {
      decodeLongHeader.call(this, data);
      return;
    }
    sparse.continue(data);
    if (sparse.continues) {
      this._longHeader = true;
      this._missing = data.length;
    } else waiting = sparse.fileHeader;
  };
  const final = reader._final;
  reader._final = function end(done: (error: Error | null) => void): void {
    if (sparse === undefined) final.call(this, done);
    else done(new Error("Unexpected end of data"));
  };
  const applyLongHeaders = reader._applyLongHeaders;
  reader._applyLongHeaders = function apply(): void {
    applyLongHeaders.call(this);
    if (sparse === undefined) return;
    this._header.sparse = sparse.map;
    sparse = undefined;
  };
}

/**
 * The records of a PAX extended header, each `<length> <key>=<value>\n` (POSIX pax, "pax Extended Header"). The sparse form 0.0,
 * which repeats two keys for each part, becomes the list of form 0.1, GNU.sparse.map.
 * Throws for anything else: a record misread would be an entry under another name.
 */
export function decodePax(data: Uint8Array): Record<string, string> {
  const records: Record<string, string> = Object.create(null);
  const parts: string[] = [];
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(" ", at);
    const digits = text.slice(at, space);
    const end = at + Number(digits);
    const equals = text.indexOf("=", space);
    if (
      space < 0 ||
      !/^[1-9]\d*$/.test(digits) ||
      end > text.length ||
      equals < 0 ||
      equals >= end ||
      text[end - 1] !== "\n"
    )
      throw new Error("malformed PAX header");
    const key = text.slice(space + 1, equals);
    const value = text.slice(equals + 1, end - 1);
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") parts.push(value);
    else records[key] = value;
    at = end;
  }
  if (parts.length > 0) records["GNU.sparse.map"] = parts.join(",");
  return records;
}
