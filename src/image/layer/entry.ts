import type { Header } from "tar-stream";
import type { Attributes } from "../../native/layer.ts";
import { refusal } from "./refusal.ts";
import { paxSparse, type Sparse } from "./sparse.ts";

/** What an entry of a layer's archive asks for. Paths are byte strings relative to the layer; "" is its root. */
export type Entry =
  | { kind: "directory" | "fifo"; path: string; attributes: Attributes }
  | { kind: "file"; path: string; attributes: Attributes; sparse?: Sparse }
  | { kind: "symlink"; path: string; target: string; attributes: Attributes }
  | { kind: "hardlink"; path: string; target: string }
  | { kind: "whiteout" | "opaque"; path: string }
  | { kind: "skip" };

/** What was left out because an unprivileged node cannot have it, or must not. */
export interface Skipped {
  devices: number;
  xattrs: number;
}

/** A header of pax.ts's reader: `sparse` is what the old GNU form says. */
export interface EntryHeader extends Header {
  sparse?: Sparse;
}

/**
 * What becomes of device nodes, which no unprivileged user can make: left out; recorded, as an empty file with the attribute that
 * containers/storage and fuse-overlayfs know; or a reason to refuse the layer.
 */
export type DevicePolicy = "skip" | "record" | "refuse";

const maximumNameBytes = 255;
const maximumPathBytes = 4095;
const maximumId = 2 ** 32 - 2;
const xattrPrefix = "SCHILY.xattr.";

/**
 * Understands one header of an archive (image-spec, layer.md). Throws INVALID_ARGUMENT, naming the entry and the rule
 * it breaks, for names that are absolute, contain "..", NUL or too many bytes, and for kinds that a layer cannot have. Counts in
 * `skipped` what it leaves out.
 */
export function readEntry(header: EntryHeader, skipped: Skipped, devices: DevicePolicy = "skip"): Entry {
  const pax = (header.pax ?? {}) as Readonly<Record<string, string>>;
  const sparse = header.sparse ? { name: header.name, sparse: header.sparse } : paxSparse(pax, header.name);
  const name = sparse?.name ?? header.name;
  const path = plainPath(name, name);
  const base = path.slice(path.lastIndexOf("/") + 1);
  // The reader waits for ever for the content of a size that it cannot read.
  if (!Number.isSafeInteger(header.size) || header.size < 0) throw refusal(name, "its size is no number");
  if (base.startsWith(".wh.")) return readWhiteout(name, path, base);
  if (path === "" && header.type !== "directory")
    throw refusal(name, "the root of a layer must be a directory");
  switch (header.type) {
    case "file":
    case "contiguous-file":
      return {
        kind: "file",
        path,
        attributes: readAttributes(header, pax, skipped),
        ...(sparse && { sparse: sparse.sparse }),
      };
    case "directory":
    case "fifo":
      return { kind: header.type, path, attributes: readAttributes(header, pax, skipped) };
    case "symlink":
      return {
        kind: "symlink",
        path,
        target: linkTarget(header),
        attributes: readAttributes(header, pax, skipped),
      };
    case "link":
      // Some archivers write the target of a hard link with a leading slash; it is a path of the layer all the same.
      return { kind: "hardlink", path, target: plainPath(linkTarget(header).replace(/^\/+/, ""), name) };
    case "character-device":
    case "block-device":
      return readDevice(header, path, readAttributes(header, pax, skipped), devices, skipped);
    default:
      throw refusal(name, "it is of a kind that a layer cannot have");
  }
}

function readDevice(
  header: EntryHeader,
  path: string,
  attributes: Attributes,
  policy: DevicePolicy,
  skipped: Skipped,
): Entry {
  if (policy === "refuse")
    throw refusal(header.name, "it is a device, and images.devices says to refuse those");
  if (policy === "skip") {
    skipped.devices++;
    return { kind: "skip" };
  }
  const kind = header.type === "block-device" ? "block" : "char";
  const { mode, uid, gid, xattrs = [] } = attributes;
  const recorded = `${uid}:${gid}:0${mode.toString(8)}:${kind}-${header.devmajor ?? 0}-${header.devminor ?? 0}`;
  return {
    kind: "file",
    path,
    attributes: { ...attributes, xattrs: [...xattrs, "user.containers.override_stat", recorded] },
  };
}

/** The path without ".", empty parts and a trailing slash. */
function plainPath(path: string, entry: string): string {
  if (path.includes("\0")) throw refusal(entry, "a name contains a NUL byte");
  if (path.startsWith("/")) throw refusal(entry, "a name is absolute");
  if (path.length > maximumPathBytes) throw refusal(entry, `a path has more than ${maximumPathBytes} bytes`);
  if (isPlain(path)) return path;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of parts) {
    if (part === "..") throw refusal(entry, 'a name contains ".."');
    if (part.length > maximumNameBytes)
      throw refusal(entry, `a part of the name has more than ${maximumNameBytes} bytes`);
  }
  return parts.join("/");
}

/** Quick test for the usual: nothing to take out and nothing to refuse. */
function isPlain(path: string): boolean {
  return (
    path.length <= maximumNameBytes && !path.startsWith(".") && !/\/\.|\/\/|\/$/.test(path) && path !== ""
  );
}

function readWhiteout(entry: string, path: string, base: string): Entry {
  const directory = path.slice(0, Math.max(path.length - base.length - 1, 0));
  if (base === ".wh..wh..opq") return { kind: "opaque", path: directory };
  // Other names with two prefixes are the bookkeeping of aufs.
  if (base.startsWith(".wh..wh.")) return { kind: "skip" };
  const hidden = base.slice(".wh.".length);
  if (hidden === "" || hidden === "." || hidden === "..") throw refusal(entry, "a whiteout names nothing");
  return { kind: "whiteout", path: directory === "" ? hidden : `${directory}/${hidden}` };
}

function linkTarget(header: Header): string {
  const target = header.linkname ?? "";
  if (target === "") throw refusal(header.name, "a link has no target");
  if (target.includes("\0")) throw refusal(header.name, "the target of a link contains a NUL byte");
  if (target.length > maximumPathBytes)
    throw refusal(header.name, `the target of a link has more than ${maximumPathBytes} bytes`);
  return target;
}

function readAttributes(header: Header, pax: Readonly<Record<string, string>>, skipped: Skipped): Attributes {
  const [seconds, nanoseconds] = readTime(header, pax.mtime);
  const attributes: Attributes = {
    mode: (header.mode ?? 0) & 0o7777,
    uid: readId(header, pax.uid ?? header.uid, "owner"),
    gid: readId(header, pax.gid ?? header.gid, "group"),
    seconds,
    nanoseconds,
  };
  for (const key in pax) {
    if (!key.startsWith(xattrPrefix)) continue;
    const name = key.slice(xattrPrefix.length);
    if (isWelcome(name)) attributes.xattrs = [...(attributes.xattrs ?? []), name, pax[key] ?? ""];
    else skipped.xattrs++;
  }
  return attributes;
}

/**
 * Whether an image may have an extended attribute. overlayfs's own would let it steer the mount; those of other modules are not ours
 * to set, nor to give away.
 */
export function isWelcome(name: string): boolean {
  return name === "security.capability" || (name.startsWith("user.") && !name.startsWith("user.overlay."));
}

function readId(header: Header, value: string | number | undefined, what: string): number {
  const id = Number(value ?? 0);
  if (!Number.isInteger(id) || id < 0 || id > maximumId)
    throw refusal(header.name, `its ${what} is no valid id`);
  return id;
}

/** PAX has decimal fractions, the plain header whole seconds. */
function readTime(header: Header, text: string | undefined): [seconds: number, nanoseconds: number] {
  const match = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/.exec(text ?? "");
  if (match === null) return [Math.floor((header.mtime?.getTime() ?? 0) / 1000) || 0, 0];
  const nanoseconds = Number((match[2] ?? "").padEnd(9, "0"));
  // The fraction of a negative time counts towards zero's other side; the kernel counts nanoseconds upward.
  if (text?.startsWith("-") === true && nanoseconds > 0) return [Number(match[1]) - 1, 1e9 - nanoseconds];
  return [Number(match[1]), nanoseconds];
}
