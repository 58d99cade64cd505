import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { layerXattrs } from "../../../src/native/layer.ts";
import { type BuiltImage, buildImage, buildIndex } from "../../fixtures/image.ts";
import {
  buildArchive,
  buildLayer,
  type LayerCompression,
  type LayerEntry,
} from "../../fixtures/image-layer.ts";
import { capture } from "../../support/capture.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { findPeer, peersMissing } from "../../support/peers.ts";
import { type ImageNode, startImages, startRegistry, tmpfs } from "./node.ts";

/** Layers with everything that is hard to keep. */
async function demandingImage(compression: LayerCompression = "zstd"): Promise<BuiltImage> {
  const lower: LayerEntry[] = [
    { name: "./", mode: 0o751, mtime: "1700000000.5" },
    { name: "etc/", mode: 0o700, uid: 3, gid: 4, mtime: "1600000000.000000001" },
    { name: "etc/config", content: "old", uid: 1000, gid: 1001, mode: 0o4755, mtime: "-5.25" },
    { name: "etc/gone", content: "deleted above" },
    { name: "opaque/", mode: 0o755 },
    { name: "opaque/hidden", content: "hidden above" },
    { name: "hard", content: "two names", xattrs: { "user.note": new Uint8Array([0, 255, 10, 61]) } },
    { name: "hard-too", type: "link", linkname: "hard" },
    { name: `long/${"n".repeat(200)}`, content: "long" },
    { name: "link", type: "symlink", linkname: "../outside" },
    { name: "pipe", type: "fifo" },
    { name: "big-id", content: "x", pax: { uid: "40000", gid: "50000" } },
    { name: "caf\u00e9", content: "utf-8" },
  ];
  const upper: LayerEntry[] = [
    { name: "etc/.wh.gone", content: "" },
    { name: "etc/config", content: "new" },
    { name: "opaque/", mode: 0o711 },
    { name: "opaque/.wh..wh..opq", content: "" },
    { name: "opaque/seen", content: "seen" },
  ];
  return buildImage({
    layers: [await buildLayer(lower), await buildLayer(upper, compression)],
    config: { Cmd: ["/x"], User: "7" },
  });
}

async function pulled(
  t: Parameters<typeof startImages>[0],
  node: ImageNode,
): Promise<{ name: string; id: string }> {
  const registry = await startRegistry(t);
  const image = await demandingImage();
  registry.push("lab/app", image, "1", "2");
  await node.images.pull(`${registry.host}/lab/app:2`);
  const name = `${registry.host}/lab/app:1`;
  return { name, ...(await node.images.pull(name)) };
}

async function saved(node: ImageNode, file: string, ...references: string[]) {
  const chunks: Uint8Array[] = [];
  let images: { id: string; savedId: string; names: string[] }[] = [];
  for await (const part of node.images.save(references)) {
    if (part.images) images = part.images;
    else chunks.push(part.data);
  }
  writeFileSync(file, Buffer.concat(chunks));
  return images;
}

const load = (node: ImageNode, file: string) => node.images.load(createReadStream(file));

/** What `look` sees of an image mounted as the kernel shows it. */
function mounted(node: ImageNode, id: string, at: string, look: (at: string) => string): string {
  mkdirSync(at, { recursive: true });
  const { lower } = node.images.rootSource(id);
  execFileSync("mount", ["-t", "overlay", "-o", `ro,userxattr,lowerdir=${lower.join(":")}`, "none", at]);
  try {
    return look(at);
  } finally {
    execFileSync("umount", [at]);
  }
}

/** Every entry of a directory; sizes and links of directories are the file system's own. */
function listing(directory: string): string {
  const options = [
    "!",
    "-type",
    "d",
    "-printf",
    "%P %y %m %U %G %n %s %T@ %l\\n",
    "-o",
    "-printf",
    "%P %y %m %U %G\\n",
  ];
  const text = execFileSync("find", [".", ...options], { cwd: directory }).toString();
  return text.split("\n").sort().join("\n");
}

if (inNamespaces("all")) {
  test("what was saved is loaded again with the same files, and saved anew it is the same archive", async (t) => {
    const node = await startImages(t);
    const scratch = tmpfs(t);
    const { name, id } = await pulled(t, node);
    const before = mounted(node, id, join(scratch, "mnt"), listing);
    assert.match(before, /etc\/config f 644 0 0 1 3 /);
    assert.doesNotMatch(before, /gone|hidden/);

    const first = join(scratch, "first.tar");
    const [image] = await saved(node, first, name);
    assert.equal(image?.id, id);
    assert.deepEqual(image?.names, [name]);
    // tar-stream's archives are not written as ours are: the digests differ, and the id says so.
    assert.notEqual(image?.savedId, id);
    await node.images.remove(id);
    assert.deepEqual(node.layers(), []);

    const [loaded] = await load(node, first);
    assert.equal(loaded?.id, image?.savedId);
    assert.ok(loaded?.names.includes(name));
    assert.equal(mounted(node, loaded?.id ?? "", join(scratch, "mnt"), listing), before);
    assert.equal(node.images.status(name)?.config.config.User, "7");
    assert.equal(node.images.status(name)?.config.created, "2026-01-01T00:00:00Z");

    const second = join(scratch, "second.tar");
    const [again] = await saved(node, second, name);
    assert.equal(again?.savedId, again?.id);
    assert.deepEqual(readFileSync(second), readFileSync(first));
    assert.deepEqual(
      node.layers().filter((entry) => entry.startsWith("partial-")),
      [],
    );
  });

  test("a layer keeps times, owners, modes, links and attributes to the last bit", async (t) => {
    const node = await startImages(t);
    const scratch = tmpfs(t);
    const { id } = await pulled(t, node);
    const look = (of: string) =>
      node.images.rootSource(of).lower.map((directory) => {
        const printed = execFileSync(
          "find",
          [".", "!", "-name", ".", "-printf", "%P %y %m %U %G %n %T@ %l\n"],
          {
            cwd: directory,
          },
        );
        // Whiteouts have no attributes of their own.
        const entries = printed
          .toString()
          .replace(/( c 0 0 0 1) \S+/g, "$1")
          .split("\n")
          .sort();
        return [
          ...entries,
          ...readdirSync(directory, "latin1").map((name) => layerXattrs(join(directory, name)).join(" ")),
        ];
      });
    const before = look(id);
    const [upper = "", lower = ""] = before.map((entries) => entries.join("\n"));
    assert.match(lower, /^etc d 700 3 4 /m);
    assert.match(lower, /^etc\/config f 4755 1000 1001 1 -6\.75/m);
    assert.match(lower, /^hard f 644 0 0 2 /m);
    assert.match(lower, /^user\.note \0\xff\n=$/m);
    assert.match(upper, /^etc\/gone c /m);
    assert.match(upper, /^user\.overlay\.opaque y$/m);
    const file = join(scratch, "a.tar");
    await saved(node, file, id);
    await node.images.remove(id);
    const [loaded] = await load(node, file);
    assert.deepEqual(look(loaded?.id ?? ""), before);
  });

  test("several images share blobs; by an id an image has all its tags", async (t) => {
    const node = await startImages(t);
    const scratch = tmpfs(t);
    const registry = await startRegistry(t);
    const base = await buildLayer([{ name: "base", content: "x".repeat(100_000) }]);
    const ids: string[] = [];
    for (const repository of ["one", "two"]) {
      const image = buildImage({
        layers: [base, await buildLayer([{ name: repository, content: repository }])],
      });
      registry.push(repository, image, "a", "b");
      for (const tag of ["a", "b"]) await node.images.pull(`${registry.host}/${repository}:${tag}`);
      ids.push(image.id);
    }
    const file = join(scratch, "both.tar");
    const images = await saved(node, file, ids[0] ?? "", `${registry.host}/two:b`);
    assert.deepEqual(
      images.map(({ names }) => names.length),
      [2, 1],
    );
    assert.ok(statSync(file).size < 150_000, "the layer that both have is there once");
    for (const id of ids) await node.images.remove(id);
    const loaded = await load(node, file);
    assert.equal(loaded.length, 2);
    assert.deepEqual(
      node.images
        .list()
        .flatMap(({ tags }) => tags)
        .sort(),
      [`${registry.host}/one:a`, `${registry.host}/one:b`, `${registry.host}/two:b`],
    );
  });

  /** An OCI layout of these files as an archive. */
  const layoutOf = async (
    image: BuiltImage,
    annotations: object,
    change?: (files: Map<string, Uint8Array>) => void,
  ) => {
    const files = new Map<string, Uint8Array>([
      ["oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
    ]);
    const { digest, mediaType, data } = image;
    const manifests = [{ mediaType, digest, size: data.length, annotations }];
    files.set("index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
    for (const [key, blob] of [...image.blobs, [digest, data] as const])
      files.set(`blobs/${key.replace(":", "/")}`, blob);
    change?.(files);
    return buildArchive([...files].map(([name, content]) => ({ name, content })));
  };
  async function* inChunks(data: Uint8Array, size = 1000) {
    for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
  }

  test("layouts of others are taken, compressed as well, with the names that they give", async (t) => {
    const node = await startImages(t);
    const image = await demandingImage();
    const cases: [object, string[]][] = [
      [{ "org.opencontainers.image.ref.name": "latest" }, []],
      [{ "org.opencontainers.image.ref.name": "docker.io/lab/app:3" }, ["docker.io/lab/app:3"]],
      [
        { "io.containerd.image.name": "reg.test/app:4", "org.opencontainers.image.ref.name": "4" },
        ["reg.test/app:4"],
      ],
    ];
    for (const [annotations, tags] of cases) {
      const archive = await layoutOf(image, annotations);
      for (const data of [archive, gzipSync(archive)]) {
        const [loaded] = await node.images.load(inChunks(data));
        assert.equal(loaded?.id, image.id);
        assert.deepEqual(node.images.status(image.id)?.tags, tags);
        if (tags.length > 0) assert.ok(node.images.status(`${tags[0]?.replace(/:\d$/, "")}@${image.digest}`));
        await node.images.remove(image.id);
      }
    }
  });

  test("nothing is taken of an archive with a flipped bit, without a blob, or of none at all", async (t) => {
    const node = await startImages(t);
    const image = await demandingImage();
    const layer = [...image.blobs.keys()][0] ?? "";
    const layerPath = `blobs/${layer.replace(":", "/")}`;
    const refused = async (archive: Uint8Array, expected: object) => {
      await assert.rejects(node.images.load(inChunks(archive)), expected);
      assert.deepEqual(node.layers(), []);
      assert.deepEqual(node.images.list(), []);
    };
    for (const path of [layerPath, `blobs/${image.digest.replace(":", "/")}`]) {
      const archive = await layoutOf(image, {}, (files) => {
        const blob = Buffer.from(files.get(path) ?? "");
        blob[blob.length >> 1] = (blob[blob.length >> 1] ?? 0) ^ 1;
        files.set(path, blob);
      });
      await refused(archive, { code: "DATA_LOSS", message: new RegExp(`${path}.*not sha256`) });
    }
    await refused(await layoutOf(image, {}, (files) => files.delete(layerPath)), {
      code: "DATA_LOSS",
      message: new RegExp(`${layer}: the archive names this blob`),
    });
    await refused(await layoutOf(image, {}, (files) => files.delete("oci-layout")), {
      code: "INVALID_ARGUMENT",
      message: /no archive of images/,
    });
    await refused(Buffer.from("certainly no archive ".repeat(100)), { code: "INVALID_ARGUMENT" });
    await refused(new Uint8Array(), { code: "INVALID_ARGUMENT", message: /it is empty/ });
    const whole = await layoutOf(image, {});
    await refused(whole.subarray(0, whole.length >> 1), { operation: "load images" });
  });

  test("a docker-archive's layer is checked against the configuration, its name against its content", async (t) => {
    const node = await startImages(t);
    const layer = await buildLayer([{ name: "file", content: "content" }], "none");
    const image = buildImage({ layers: [layer] });
    const config = image.blobs.get(image.id) ?? new Uint8Array();
    const hex = image.id.slice("sha256:".length);
    const archiveOf = (configName: string, content: Uint8Array) =>
      buildArchive([
        { name: "layer-one/layer.tar", content },
        { name: "again/layer.tar", type: "symlink", linkname: "../layer-one/layer.tar" },
        { name: configName, content: config },
        {
          name: "manifest.json",
          content: JSON.stringify([{ Config: configName, RepoTags: ["app:1"], Layers: ["again/layer.tar"] }]),
        },
      ]);
    const [loaded] = await node.images.load(inChunks(await archiveOf(`${hex}.json`, layer.blob)));
    assert.deepEqual(loaded, { id: image.id, names: ["docker.io/library/app:1"] });
    await node.images.remove(image.id);
    const other = (await buildLayer([{ name: "file", content: "changed" }], "none")).blob;
    await assert.rejects(node.images.load(inChunks(await archiveOf(`${hex}.json`, other))), {
      code: "DATA_LOSS",
    });
    await assert.rejects(node.images.load(inChunks(await archiveOf(`${"0".repeat(64)}.json`, layer.blob))), {
      code: "DATA_LOSS",
      message: /0{64}\.json/,
    });
    assert.deepEqual(node.layers(), []);
  });

  test("an index in a layout leads to this machine's image, and only its blobs need be there", async (t) => {
    const node = await startImages(t);
    const mine = await demandingImage();
    const other = buildImage({ layers: [], platform: { os: "linux", architecture: "s390x" } });
    const index = buildIndex([other, mine]);
    const archive = await layoutOf(mine, {}, (files) => {
      files.set(`blobs/${index.digest.replace(":", "/")}`, index.data);
      const manifests = [{ mediaType: index.mediaType, digest: index.digest, size: index.data.length }];
      files.set("index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
    });
    const [loaded] = await node.images.load(inChunks(archive));
    assert.equal(loaded?.id, mine.id);
  });

  test("a client that goes away in the middle leaves nothing", async (t) => {
    const node = await startImages(t);
    const archive = await layoutOf(await demandingImage(), {});
    const gone = (async function* () {
      yield archive.subarray(0, archive.length >> 1);
      throw new Error("the client has gone");
    })();
    await assert.rejects(node.images.load(gone), /the client has gone/);
    const { id } = await pulled(t, node);
    for await (const _ of node.images.save([id])) break;
    assert.deepEqual(
      node.layers().filter((name) => name.startsWith("partial-")),
      [],
    );
    await assert.rejects(
      async () => {
        for await (const _ of node.images.save(["nothing"]));
      },
      { code: "NOT_FOUND" },
    );
  });

  test("what a daemon that was killed had spread out is removed at the next start", async (t) => {
    const node = await startImages(t);
    const { id } = await pulled(t, node);
    const half = join(node.dataDir, "layers", "partial-archive-x");
    mkdirSync(half);
    writeFileSync(join(half, "1"), "half of a blob");
    const before = node.layers().filter((name) => !name.startsWith("partial-"));
    await node.restart();
    assert.deepEqual(node.layers(), before);
    assert.ok(node.images.status(id));
  });

  test("skopeo and umoci read what was saved", { skip: peersMissing("skopeo", "umoci") }, async (t) => {
    const node = await startImages(t);
    const scratch = tmpfs(t);
    const { name, id } = await pulled(t, node);
    const file = join(scratch, "saved.tar");
    const [image] = await saved(node, file, name);
    const skopeo = (...args: string[]) =>
      execFileSync(findPeer("skopeo") ?? "", ["--tmpdir", scratch, "--insecure-policy", ...args]).toString();
    for (const transport of [`oci-archive:${file}:1`, `docker-archive:${file}:${name}`]) {
      const config = JSON.parse(skopeo("inspect", "--config", transport));
      assert.equal(config.config.User, "7");
      assert.equal(config.rootfs.diff_ids.length, 2);
    }
    const layout = join(scratch, "layout");
    skopeo("copy", `docker-archive:${file}:${name}`, `oci:${layout}:docker`);
    skopeo("copy", `oci-archive:${file}:1`, `oci:${layout}:oci`);
    const bundle = join(scratch, "bundle");
    execFileSync(findPeer("umoci") ?? "", ["unpack", "--image", `${layout}:oci`, bundle]);
    assert.equal(listing(join(bundle, "rootfs")), mounted(node, id, join(scratch, "mnt"), listing));
    assert.notEqual(image?.savedId, id);
  });

  for (const transport of ["docker-archive", "oci-archive"]) {
    test(`what skopeo writes as ${transport} is loaded`, { skip: peersMissing("skopeo") }, async (t) => {
      const node = await startImages(t);
      const scratch = tmpfs(t);
      const registry = await startRegistry(t);
      const image = await demandingImage("gzip");
      registry.push("lab/app", image, "1");
      const file = join(scratch, "archive.tar");
      const destination = `${transport}:${file}:reg.test/lab/app:5`;
      const copy = ["copy", "--src-tls-verify=false", `docker://${registry.host}/lab/app:1`, destination];
      const options = ["--tmpdir", scratch, "--insecure-policy"];
      const { status, stderr } = await capture(findPeer("skopeo") ?? "", [...options, ...copy]);
      assert.equal(status, 0, stderr);
      const [loaded] = await load(node, file);
      assert.equal(loaded?.id, image.id);
      assert.ok(loaded?.names.includes("reg.test/lab/app:5"));
      assert.equal(readdirSync(node.images.rootSource(image.id).lower[1] ?? "").includes("hard-too"), true);
    });
  }
}
