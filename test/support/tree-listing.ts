import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { byteExtract } from "../../src/image/layer/pax.ts";

const archiver = [
  "--sort=name",
  "--format=posix",
  "--numeric-owner",
  "--xattrs",
  "--xattrs-include=*",
  "--pax-option=delete=atime,delete=ctime",
];

/**
 * Every entry of a tree as GNU tar sees it: kind, mode, owner, time to the nanosecond, link target (hard links too), extended
 * attributes but those that begin with one of `ignored`, and a digest of the content. By name.
 */
export async function listTree(
  directory: string,
  ignored: readonly string[] = [],
): Promise<Map<string, string>> {
  const child = spawn("tar", [...archiver, "-C", directory, "-cf", "-", "."], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const listing = new Map<string, string>();
  const reader = byteExtract();
  reader.on("entry", (header, content, next) => {
    const hash = createHash("sha256");
    content.on("data", (chunk) => hash.update(chunk as Uint8Array));
    content.on("end", () => {
      const pax = (header.pax ?? {}) as Record<string, string>;
      const xattrs = Object.entries(pax)
        .filter(([key]) => key.startsWith("SCHILY.xattr.") && !ignored.some((prefix) => key.includes(prefix)))
        .map(([key, value]) => `${key}=${Buffer.from(value, "latin1").toString("hex")}`)
        .sort();
      const time = pax.mtime ?? String((header.mtime?.getTime() ?? 0) / 1000);
      const { type, mode = 0, uid, gid, linkname } = header;
      const facts = [
        type,
        mode.toString(8),
        uid,
        gid,
        time,
        linkname,
        hash.digest("hex").slice(0, 16),
        ...xattrs,
      ];
      listing.set(header.name, facts.join(" "));
      next();
    });
  });
  const ended = once(child, "close");
  await pipeline(child.stdout, reader);
  const [status] = await ended;
  if (status !== 0) throw new Error(`tar of ${directory} ended with status ${status}`);
  return listing;
}

/** What two trees differ in, a line an entry. */
export function differences(ours: Map<string, string>, theirs: Map<string, string>): string[] {
  const names = new Set([...ours.keys(), ...theirs.keys()]);
  return [...names]
    .filter((name) => ours.get(name) !== theirs.get(name))
    .map((name) => `${name}: ${ours.get(name) ?? "missing"} | ${theirs.get(name) ?? "missing"}`)
    .sort();
}
