import { Decoder } from "../../native/decoder.ts";
import { headerDictionary } from "./dictionary.ts";
import { SpdyProtocolError } from "./frames.ts";

/** Names are in lower case; several values of a name are joined by NUL. */
export type Headers = ReadonlyMap<string, string>;

/** Bytes of one header block once it is inflated. */
const maximumBlockLength = 64 * 1024;
const maximumHeaders = 256;

/** Where every connection inflates to: a block is parsed before the next one is inflated. */
let room: Buffer | undefined;

/**
 * Decompresses the header blocks of one connection. They are one zlib stream, so each must go through here, in order. Blocks for some
 * microseconds: less than it costs to have another thread do it.
 */
export class HeaderInflater {
  readonly #decoder = new Decoder("zlib", headerDictionary);

  /** Throws SpdyProtocolError; the inflater is of no use afterwards. */
  inflate(block: Buffer): Headers {
    room ??= Buffer.allocUnsafeSlow(maximumBlockLength + 1);
    const length = this.#inflate(block, room);
    if (length > maximumBlockLength)
      throw new SpdyProtocolError(`a header block of more than ${maximumBlockLength} bytes`);
    return parseHeaderBlock(room.subarray(0, length));
  }

  /** Frees zlib's memory; nothing may be inflated any more. */
  close(): void {
    this.#decoder.close();
  }

  #inflate(block: Buffer, output: Buffer): number {
    try {
      return this.#decoder.decode(block, output)[1];
    } catch (error) {
      const { message } = error as Error;
      throw new SpdyProtocolError(`a header block that cannot be decompressed: ${message}`);
    }
  }
}

/** An inflated header block: a count, then names and values, each after its length. Throws SpdyProtocolError. */
export function parseHeaderBlock(block: Buffer): Headers {
  let at = 0;
  const number = () => {
    if (at + 4 > block.length) throw new SpdyProtocolError("a header block that ends in the middle");
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = () => {
    const length = number();
    if (at + length > block.length) throw new SpdyProtocolError("a header block that ends in the middle");
    at += length;
    return block.toString("latin1", at - length, at);
  };
  const count = number();
  if (count > maximumHeaders)
    throw new SpdyProtocolError(`${count} headers in a block; ${maximumHeaders} are allowed`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const name = text();
    if (name === "" || name !== name.toLowerCase())
      throw new SpdyProtocolError(`a header called ${JSON.stringify(name)}`);
    if (headers.has(name)) throw new SpdyProtocolError(`header ${name} twice in a block`);
    headers.set(name, text());
  }
  if (at !== block.length) throw new SpdyProtocolError(`${block.length - at} bytes behind a header block`);
  return headers;
}

export function formatHeaderBlock(headers: Headers): Buffer {
  const parts = [uint32(headers.size)];
  for (const pair of headers) {
    for (const text of pair) {
      const bytes = Buffer.from(text, "latin1");
      parts.push(uint32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/**
 * The sender's half: header blocks as stored (uncompressed) deflate blocks of one zlib stream. Replies are so short and few that
 * compressing them would win nothing.
 */
export class HeaderDeflater {
  #begun = false;

  deflate(headers: Headers): Buffer {
    const block = formatHeaderBlock(headers);
    const parts: Buffer[] = [];
    if (!this.#begun) parts.push(Buffer.of(0x78, 0x01));
    this.#begun = true;
    for (let at = 0; at < block.length; at += 0xffff) {
      const stored = block.subarray(at, at + 0xffff);
      const head = Buffer.alloc(5);
      head.writeUInt16LE(stored.length, 1);
      head.writeUInt16LE(stored.length ^ 0xffff, 3);
      parts.push(head, stored);
    }
    return Buffer.concat([...parts, emptyBlock]);
  }
}

/** Ends each header block, as zlib's sync flush does: Go's reader gives nothing out before it has seen where the next block begins. */
const emptyBlock = Buffer.of(0, 0, 0, 0xff, 0xff);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
