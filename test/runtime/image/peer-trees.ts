/** An image made of Debian packages, pushed by skopeo to Debian's registry, pulled by lichen, and held against umoci's tree. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { buildImage } from "../../fixtures/image.ts";
import {
  type BuiltLayer,
  buildLayer,
  compressLayer,
  type LayerCompression,
} from "../../fixtures/image-layer.ts";
import { writeLayout } from "../../fixtures/oci-layout.ts";
import { findPeer, startDockerRegistry } from "../../support/peers.ts";
import { differences, listTree } from "../../support/tree-listing.ts";
import { startImages, tmpfs } from "./node.ts";

/** With setuid and setgid programs, hard links, thousands of symbolic links, and directories that several of them have. */
export const packageNames = ["base-files", "passwd", "perl-base", "sudo", "tzdata"];

/** Changes on top of the packages: everything that a package has not, and whiteouts. */
function changes(): Promise<BuiltLayer> {
  const capability = Uint8Array.from([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  return buildLayer(
    [
      { name: "usr/", mode: 0o755 },
      { name: "usr/bin/", mode: 0o755, mtime: "1600000000.5" },
      { name: "usr/bin/.wh.chage" },
      { name: "usr/bin/ping", mode: 0o755, content: "ping", xattrs: { "security.capability": capability } },
      { name: "usr/share/", mode: 0o755 },
      { name: "usr/share/zoneinfo/", mode: 0o755 },
      { name: "usr/share/zoneinfo/.wh..wh..opq" },
      { name: "usr/share/zoneinfo/UTC", content: "own", mtime: "1700000000.123456789" },
      { name: "usr/share/doc/.wh.sudo" },
      { name: "usr/share/doc/.wh.nothing-there" },
      { name: "etc/sudoers", mode: 0o440, content: "replaced", gid: 42 },
      { name: "srv/", uid: 1000, gid: 50, mode: 0o2775, mtime: 5, xattrs: { "user.note": "of a directory" } },
      {
        name: "srv/file",
        uid: 1000,
        gid: 50,
        mode: 0o6755,
        content: "x",
        xattrs: { "user.note": "of a file" },
      },
      { name: "srv/second", type: "link", linkname: "srv/file" },
      { name: "srv/pipe", type: "fifo", mode: 0o620, uid: 7 },
      { name: "srv/dangling", type: "symlink", linkname: "../../../nowhere", uid: 9, mtime: 11 },
      { name: "media", content: "a file where a directory was" },
    ],
    "gzip",
  );
}

export interface PeerOptions {
  files: readonly string[];
  compression: LayerCompression;
  /** A node with one id, and umoci without privilege. */
  rootless: boolean;
}

/** Fails with a line for each entry that is not the same in both trees. */
export async function comparesWithUmoci(t: TestContext, { files, compression, rootless }: PeerOptions) {
  const node = await startImages(t, { singleOwner: rootless });
  const { host } = await startDockerRegistry(t);
  const place = tmpfs(t);
  const archives = files.map((file) =>
    execFileSync("dpkg-deb", ["--fsys-tarfile", file], { maxBuffer: 1 << 30 }),
  );
  const top = await changes();
  // Debian's umoci knows gzip only.
  const layouts = [compression, "gzip" as const].map((kind, i) => {
    const layers = archives.map((archive) => compressLayer(archive, kind));
    const layout = join(place, `layout-${i}`);
    writeLayout(layout, buildImage({ layers: [...layers, top] }), "1");
    return layout;
  });

  const skopeo = findPeer("skopeo") ?? "";
  const copy = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--preserve-digests"];
  execFileSync(skopeo, [...copy, `oci:${layouts[0]}:1`, `docker://${host}/debian/packages:1`], {
    stdio: "inherit",
  });
  const { id } = await node.images.pull(`${host}/debian/packages:1`);

  const bundle = join(place, "bundle");
  const unpack = ["unpack", ...(rootless ? ["--rootless"] : []), "--image", `${layouts[1]}:1`, bundle];
  execFileSync(findPeer("umoci") ?? "", unpack, { stdio: ["ignore", "ignore", "inherit"] });

  const ours = await merged(node.images.rootSource(id).lower, place, listTree);
  // Where umoci notes the owners that it could not give.
  const theirs = await listTree(join(bundle, "rootfs"), ["user.rootlesscontainers"]);
  assert.ok(theirs.size > 1000, `${theirs.size} entries`);
  assert.deepEqual(differences(ours, theirs), []);
  // What is easily lost in both.
  assert.match(ours.get("./usr/bin/ping") ?? "", /security\.capability/);
  assert.match(ours.get("./usr/bin/sudo") ?? "", /^file 4755/);
  assert.equal(ours.has("./usr/bin/chage"), false);
}

/** Looks at layers as a container would see them: overlaid, in a mount that lasts as long as `look`. */
async function merged<T>(
  lower: readonly string[],
  place: string,
  look: (root: string) => Promise<T>,
): Promise<T> {
  const root = join(place, "merged");
  mkdirSync(root);
  // Names short enough for the mount options of every kernel.
  const names = lower.map((_, i) => `${i}`);
  const mounted: string[] = [];
  const mount = (target: string, ...args: string[]) => {
    execFileSync("mount", [...args, target], { cwd: place });
    mounted.unshift(target);
  };
  try {
    for (const [i, path] of lower.entries()) {
      mkdirSync(join(place, `${i}`));
      mount(join(place, `${i}`), "--bind", path);
    }
    mount(root, "-t", "overlay", "-o", `ro,userxattr,lowerdir=${names.join(":")}`, "lichen");
    return await look(root);
  } finally {
    for (const target of mounted) execFileSync("umount", [target]);
  }
}
