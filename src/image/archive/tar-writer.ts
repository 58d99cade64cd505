/** Attributes of an entry; paths and targets are byte strings (one character a byte). */
export interface TarEntry {
  /** Relative; of a directory with a slash at the end. */
  path: string;
  type: "file" | "link" | "symlink" | "directory" | "fifo";
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since 1970. */
  mtime: bigint;
  /** Bytes of content that follow; of files only. */
  size?: number;
  target?: string;
  /** Names and values in turn, byte strings. */
  xattrs?: readonly string[];
}

const blockBytes = 512;
const typeFlags = { file: "0", link: "1", symlink: "2", directory: "5", fifo: "6" } as const;

/**
 * The blocks before an entry's content: a ustar header, and before it a PAX header for what has no room there (POSIX pax, "ustar
 * Interchange Format", "pax Extended Header"). The same entry always gives the same bytes.
 */
export function tarHeader(entry: TarEntry): Buffer {
  const records = paxRecords(entry);
  const header = ustar(entry, typeFlags[entry.type], entry.size ?? 0);
  if (records.length === 0) return header;
  const content = Buffer.concat(records);
  const about = { ...entry, path: "PaxHeader", target: "", mode: 0o644, uid: 0, gid: 0, mtime: 0n };
  return Buffer.concat([ustar(about, "x", content.length), content, tarPadding(content.length), header]);
}

/** What fills up the last block of content. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
}

/** The end of an archive. */
export const tarEnd: Uint8Array = Buffer.alloc(2 * blockBytes);

function ustar(entry: TarEntry, type: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(entry.path.slice(0, 100), 0, "latin1");
  octal(block, 100, 8, entry.mode);
  octal(block, 108, 8, entry.uid);
  octal(block, 116, 8, entry.gid);
  octal(block, 124, 12, size);
  octal(block, 136, 12, Number(entry.mtime / 1_000_000_000n));
  block.write(" ".repeat(8), 148, "latin1");
  block.write(type, 156, "latin1");
  block.write((entry.target ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(block, 329, 8, 0);
  octal(block, 337, 8, 0);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** The largest number that a field of `length` bytes holds in octal, with its NUL. */
const largest = (length: number): number => 8 ** (length - 1) - 1;

/** What is out of the field's range is told by PAX. */
function octal(block: Buffer, at: number, length: number, value: number): void {
  const digits = Math.min(Math.max(value, 0), largest(length)).toString(8);
  block.write(`${digits.padStart(length - 1, "0")}\0`, at, "latin1");
}

function paxRecords(entry: TarEntry): Buffer[] {
  const { path, target = "", uid, gid, size = 0, mtime, xattrs = [] } = entry;
  const records: Buffer[] = [];
  const add = (key: string, value: string) => records.push(paxRecord(key, value));
  if (path.length > 100) add("path", path);
  if (target.length > 100) add("linkpath", target);
  if (uid > largest(8)) add("uid", String(uid));
  if (gid > largest(8)) add("gid", String(gid));
  if (size > largest(12)) add("size", String(size));
  if (mtime < 0n || mtime % 1_000_000_000n !== 0n || mtime / 1_000_000_000n > BigInt(largest(12)))
    add("mtime", decimalSeconds(mtime));
  for (let at = 0; at + 1 < xattrs.length; at += 2) add(`SCHILY.xattr.${xattrs[at]}`, xattrs[at + 1] ?? "");
  return records;
}

function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.from(`${length}${rest}`, "latin1");
}

function decimalSeconds(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? "-" : "";
  const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = String(absolute % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${sign}${absolute / 1_000_000_000n}${fraction === "" ? "" : `.${fraction}`}`;
}
