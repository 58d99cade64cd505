import type { EntryHeader } from "./entry.ts";

const block = 512;
const field = {
  name: { at: 0, length: 100 },
  mode: { at: 100, length: 8 },
  uid: { at: 108, length: 8 },
  gid: { at: 116, length: 8 },
  size: { at: 124, length: 12 },
  mtime: { at: 136, length: 12 },
  checksum: { at: 148, length: 8 },
  linkname: { at: 157, length: 100 },
  prefix: { at: 345, length: 155 },
} as const;
const typeAt = 156;
const magicAt = 257;
const zero = 0x30;
const space = 0x20;

/** What of a header entry.ts looks at. */
export interface PlainHeader extends Pick<EntryHeader, "name" | "mode" | "uid" | "gid" | "size" | "mtime"> {
  type: "file" | "link" | "symlink" | "directory" | "pax-header";
  linkname: string | null;
  pax: null;
}

const types: Readonly<Record<number, PlainHeader["type"]>> = {
  48: "file",
  49: "link",
  50: "symlink",
  53: "directory",
  120: "pax-header",
};

/**
 * Reads a header block as nearly every entry has it: ustar or GNU, of a file, a directory, a link or a PAX header, whole, with
 * octal numbers (POSIX ustar; GNU tar manual, "Basic Tar Format"). Everything else, broken headers too, is undefined, and
 * for tar-stream to judge, which takes several times as long and leaves a hundred small objects behind. What it does read
 * tar-stream reads in the same way; names are byte strings.
 */
export function readPlainHeader(header: Uint8Array): PlainHeader | undefined {
  const type = types[header[typeAt] ?? 0];
  const format = magic(header);
  if (type === undefined || format === undefined) return undefined;
  const mode = octal(header, field.mode);
  const uid = octal(header, field.uid);
  const gid = octal(header, field.gid);
  const size = octal(header, field.size);
  const mtime = octal(header, field.mtime);
  if (mode < 0 || uid < 0 || gid < 0 || size < 0 || mtime < 0) return undefined;
  if (octal(header, field.checksum) !== checksum(header)) return undefined;
  const bytes = Buffer.isBuffer(header) ? header : Buffer.from(header.buffer, header.byteOffset, block);
  let name = text(bytes, field.name);
  if (format === "ustar" && header[field.prefix.at] !== 0) name = `${text(bytes, field.prefix)}/${name}`;
  const linkname = header[field.linkname.at] === 0 ? null : text(bytes, field.linkname);
  return { name, mode, uid, gid, size, mtime: new Date(mtime * 1000), type, linkname, pax: null };
}

/** "ustar\0", or GNU's "ustar  \0". */
function magic(header: Uint8Array): "ustar" | "gnu" | undefined {
  const begins =
    header[magicAt] === 0x75 && // "u"
    header[magicAt + 1] === 0x73 && // "s"
    header[magicAt + 2] === 0x74 && // "t"
    header[magicAt + 3] === 0x61 && // "a"
    header[magicAt + 4] === 0x72; // "r"
  if (!begins) return undefined;
  if (header[magicAt + 5] === 0) return "ustar";
  const isGnu = header[magicAt + 5] === space && header[magicAt + 6] === space && header[magicAt + 7] === 0;
  return isGnu ? "gnu" : undefined;
}

/** A number of octal digits up to a space, a NUL or the end of its field; -1 for everything else. */
function octal(header: Uint8Array, { at, length }: { at: number; length: number }): number {
  let value = 0;
  for (let i = at; i < at + length; i++) {
    const digit = header[i]! - zero;
    if (digit >= 0 && digit < 8) value = value * 8 + digit;
    else return i > at && (header[i] === 0 || header[i] === space) ? value : -1;
  }
  return value;
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksum(header: Uint8Array): number {
  const { at, length } = field.checksum;
  let sum = length * space;
  for (let i = 0; i < at; i++) sum += header[i]!;
  for (let i = at + length; i < block; i++) sum += header[i]!;
  return sum;
}

function text(header: Buffer, { at, length }: { at: number; length: number }): string {
  let end = at;
  while (end < at + length && header[end] !== 0) end++;
  return header.toString("latin1", at, end);
}
