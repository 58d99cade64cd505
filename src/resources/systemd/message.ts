import { Reader, type Value, type Variant, Writer } from "./values.ts";

/** The kinds of messages ("Message Types" of the D-Bus specification). */
export const kinds = { call: 1, answer: 2, error: 3, signal: 4 } as const;

export interface Message {
  kind: number;
  serial: number;
  path?: string;
  interface?: string;
  member?: string;
  errorName?: string;
  /** Of the call that this answers. */
  replySerial?: number;
  destination?: string;
  /** The types of `body`; "" without one. */
  signature: string;
  body: readonly Value[];
}

type FieldName = "path" | "interface" | "member" | "errorName" | "replySerial" | "destination" | "signature";

/** Header fields by their codes, and their types. Others (sender, number of descriptors) are of no use here. */
const fields = new Map<number, readonly [name: FieldName, type: string]>([
  [1, ["path", "o"]],
  [2, ["interface", "s"]],
  [3, ["member", "s"]],
  [4, ["errorName", "s"]],
  [5, ["replySerial", "u"]],
  [6, ["destination", "s"]],
  [8, ["signature", "g"]],
]);
const littleEndian = "l".charCodeAt(0);
/** Byte order, kind, flags, version, length of the body, serial, length of the header's fields. */
const fixedBytes = 16;
/** The specification's bound. */
const mostBytes = 128 * 1024 * 1024;

/** A message in the form of the D-Bus specification. */
export function encodeMessage(message: Message): Buffer {
  const body = new Writer();
  body.write(message.signature, message.body);
  const present = [...fields].flatMap(([code, [name, type]]): Value[] => {
    const value = message[name];
    return value === undefined || value === "" ? [] : [[code, { type, value }]];
  });
  const whole = new Writer();
  const start = [littleEndian, message.kind, 0, 1, body.bytes.length, message.serial, present];
  whole.write("yyyyuua(yv)", start);
  whole.align(8);
  return Buffer.concat([whole.bytes, body.bytes]);
}

/**
 * The first message of these bytes and how many of them it takes; undefined when it has not come as a whole. Throws for bytes that are none, and for
 * byte orders other than this machine's peers have.
 */
export function decodeMessage(bytes: Buffer): { message: Message; length: number } | undefined {
  if (bytes.length < fixedBytes) return undefined;
  if (bytes[0] !== littleEndian || bytes[3] !== 1) throw new Error("not a little-endian D-Bus message");
  const headerBytes = fixedBytes + bytes.readUInt32LE(12);
  const bodyAt = headerBytes + ((8 - (headerBytes % 8)) % 8);
  const length = bodyAt + bytes.readUInt32LE(4);
  if (length > mostBytes) throw new Error(`a D-Bus message of ${length} bytes`);
  if (bytes.length < length) return undefined;
  const whole = bytes.subarray(0, length);
  const [, kind, , , , serial, present] = new Reader(whole).read("yyyyuua(yv)");
  const message: Message = { kind: Number(kind), serial: Number(serial), signature: "", body: [] };
  for (const [code, variant] of present as unknown as [number, Variant][]) {
    const name = fields.get(code)?.[0];
    if (name !== undefined) Object.assign(message, { [name]: variant.value });
  }
  message.body = new Reader(whole, bodyAt).read(message.signature);
  return { message, length };
}
