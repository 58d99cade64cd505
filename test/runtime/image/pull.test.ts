import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type BuiltImage, buildImage, buildIndex, hostPlatform } from "../../fixtures/image.ts";
import { type BuiltLayer, buildLayer, type LayerEntry } from "../../fixtures/image-layer.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { settledFds, startImages, startRegistry, tmpfs } from "./node.ts";

const file = (name: string, content = name): LayerEntry => ({ name, content });
const hex = (digest: string) => digest.slice("sha256:".length);

async function imageOf(...layers: LayerEntry[][]): Promise<BuiltImage> {
  const built: BuiltLayer[] = [];
  for (const entries of layers) built.push(await buildLayer(entries));
  return buildImage({ layers: built, config: { Cmd: ["/file"], User: "33:44" } });
}

if (inNamespaces("all")) {
  test("an image is pulled, described, and its layers are in order", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const image = await imageOf([file("bottom")], [file("middle")], [file("top")]);
    registry.push("lab/app", image, "1");
    const name = `${registry.host}/lab/app`;
    assert.deepEqual(await node.images.pull(`${name}:1`), { id: image.id });
    const [record] = node.images.list();
    assert.equal(record?.id, image.id);
    assert.deepEqual(record?.tags, [`${name}:1`]);
    assert.deepEqual(record?.digests, [`${name}@${image.digest}`]);
    assert.deepEqual(record?.user, { uid: 33 });
    assert.deepEqual(record?.config.config.Cmd, ["/file"]);
    assert.ok((record?.size ?? 0) > 15);
    const { lower } = node.images.rootSource(image.id);
    assert.deepEqual(
      lower.map((path) => readdirSync(path)),
      [["top"], ["middle"], ["bottom"]],
    );
    assert.deepEqual(node.images.usage(), {
      bytes: "bottommiddletop".length,
      inodes: 3,
      mountpoint: join(node.dataDir, "layers"),
    });
  });

  test("an index leads to this machine's image; its digest is the one that is kept", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const mine = await imageOf([file("mine")]);
    const other = buildImage({ layers: [], platform: { os: "linux", architecture: "s390x" } });
    for (const docker of [false, true]) {
      const index = buildIndex([other, mine], docker);
      const repository = `lab/index-${docker}`;
      registry.push(repository, index, "latest");
      assert.deepEqual(await node.images.pull(`${registry.host}/${repository}`), { id: mine.id });
      assert.ok(node.images.status(`${registry.host}/${repository}@${index.digest}`));
    }
    registry.push("lab/foreign", buildIndex([other]), "latest");
    await assert.rejects(node.images.pull(`${registry.host}/lab/foreign`), {
      code: "NOT_FOUND",
      operation: "pull image",
      reason: new RegExp(`no variant for linux/${hostPlatform().architecture}`),
    });
  });

  test("what is here already is not fetched again, and shared layers are kept once", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const base = await buildLayer([file("base")]);
    const images = [];
    for (const name of ["one", "two"]) {
      images.push(buildImage({ layers: [base, await buildLayer([file(name)])] }));
      registry.push(`lab/${name}`, images.at(-1)!, "latest");
      await node.images.pull(`${registry.host}/lab/${name}`);
      await node.images.pull(`${registry.host}/lab/${name}`);
    }
    assert.equal(registry.count(base.digest), 1);
    assert.equal(node.layers().length, 3);
    await node.images.remove(`${registry.host}/lab/one`);
    assert.deepEqual(node.layers().length, 2);
    assert.ok(node.layers().includes(hex(base.diffId)));
    await node.images.remove(`${registry.host}/lab/two`);
    assert.deepEqual(node.layers(), []);
    assert.equal(node.images.usage().bytes, 0);
  });

  test("pulls at the same time share one download of a layer", async (t) => {
    const node = await startImages(t, { workers: 2 });
    const registry = await startRegistry(t);
    const image = await imageOf([file("a", "a".repeat(300_000))], [file("b")]);
    registry.push("lab/app", image, "1", "2", "3");
    const pulls = ["1", "2", "3"].map((tag) => node.images.pull(`${registry.host}/lab/app:${tag}`));
    await Promise.all(pulls);
    for (const digest of [...image.blobs.keys()].filter((one) => one !== image.id))
      assert.equal(registry.count(digest), 1);
    assert.equal(node.images.list()[0]?.tags.length, 3);
  });

  test("one registry is asked for so many layers at a time, over all pulls", async (t) => {
    const node = await startImages(t, { workers: 4, connectionsPerRegistry: 2 });
    const registry = await startRegistry(t);
    for (const name of ["one", "two", "three"]) {
      const image = await imageOf([file(`${name}-1`)], [file(`${name}-2`)], [file(`${name}-3`)]);
      registry.push(`lab/${name}`, image, "1");
    }
    registry.faults.push({ path: "/blobs/", kind: "slow", pieces: 2, pauseMs: 30 });
    const pulls = ["one", "two", "three"].map((name) => node.images.pull(`${registry.host}/lab/${name}:1`));
    await Promise.all(pulls);
    assert.equal(registry.mostAtATime, 2);
    assert.equal(node.layers().length, 9);
  });

  test("of a pull that fails nothing stays: wrong digest, truncated, broken off, hostile", async (t) => {
    const node = await startImages(t, { retryMs: 1 });
    const registry = await startRegistry(t);
    const image = await imageOf(
      [file("good", "x".repeat(100_000))],
      [file("bad", `y${"z".repeat(100_000)}`)],
    );
    registry.push("lab/app", image, "1");
    const hostile = await imageOf([file("good")], [file("fine"), file("../../escaped")]);
    registry.push("lab/hostile", hostile, "1");
    const bad = [...image.blobs.keys()][1] ?? "";
    // A first pull, so that what lives on (threads, the event loop) is there before counting.
    await assert.rejects(node.images.pull(`${registry.host}/lab/missing`), { code: "NOT_FOUND" });
    const fds = readdirSync("/proc/self/fd").length;
    for (const [kind, reason] of [
      ["corrupt", /has the digest/],
      ["truncate", /announces \d+ bytes, the manifest promises \d+/],
      ["disconnect", /ended early|other side closed|terminated|aborted/],
    ] as const) {
      registry.faults.splice(0, 1, { path: bad, kind });
      const code = kind === "disconnect" ? "UNAVAILABLE" : "DATA_LOSS";
      await assert.rejects(node.images.pull(`${registry.host}/lab/app:1`), { code, reason }, kind);
      assert.deepEqual(node.layers(), [], kind);
    }
    registry.faults.splice(0);
    await assert.rejects(node.images.pull(`${registry.host}/lab/hostile:1`), {
      code: "INVALID_ARGUMENT",
      reason: /"\.\.\/\.\.\/escaped": a name contains "\.\."/,
    });
    assert.deepEqual(node.layers(), []);
    assert.deepEqual(node.images.list(), []);
    await sleep(3200);
    assert.ok((await settledFds(fds)) <= fds, "descriptors are left");
    await node.images.pull(`${registry.host}/lab/app:1`);
    assert.equal(node.layers().length, 2);
  });

  test("a pull that is given up ends soon and leaves nothing; one that shares its layer goes on", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const image = await imageOf([file("slow")]);
    registry.push("lab/app", image, "1", "2");
    const [layer = ""] = image.blobs.keys();
    registry.faults.push({ path: layer, kind: "stall", times: 1 });
    const giveUp = new AbortController();
    const pulling = node.images.pull(`${registry.host}/lab/app:1`, { signal: giveUp.signal });
    const rejected = assert.rejects(pulling, { code: "CANCELLED" });
    while (registry.count(layer) === 0) await sleep(5);
    const began = performance.now();
    giveUp.abort();
    await rejected;
    assert.ok(performance.now() - began < 5000);
    assert.deepEqual(node.layers(), []);
    registry.faults.push({ path: layer, kind: "disconnect", times: 1 });
    const impatient = AbortSignal.timeout(1);
    const results = await Promise.allSettled([
      node.images.pull(`${registry.host}/lab/app:1`, { signal: impatient }),
      node.images
        .pull(`${registry.host}/lab/app:2`)
        .catch(() => node.images.pull(`${registry.host}/lab/app:2`)),
    ]);
    assert.equal(results[1].status, "fulfilled");
    assert.equal(node.layers().length, 1);
    await assert.rejects(node.images.pull("Not A Reference"), { code: "INVALID_ARGUMENT" });
  });

  test("every kind of reference finds the image; removing by any removes it whole", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const second = await startRegistry(t);
    const image = await imageOf([file("x")]);
    const pullAll = async () => {
      registry.push("lab/app", image, "1", "2", "3");
      second.push("lab/app", image, "1");
      for (const tag of ["1", "2", "3"]) await node.images.pull(`${registry.host}/lab/app:${tag}`);
      await node.images.pull(`${second.host}/lab/app:1`);
    };
    await pullAll();
    assert.equal(node.images.list().length, 1);
    assert.equal(node.images.list()[0]?.tags.length, 4);
    const references = [
      `${registry.host}/lab/app:2`,
      `${second.host}/lab/app:1`,
      `${registry.host}/lab/app@${image.digest}`,
      image.id,
      hex(image.id),
      hex(image.id).slice(0, 12),
      image.digest,
    ];
    for (const reference of references) {
      assert.equal(node.images.status(reference)?.id, image.id, reference);
      assert.equal(node.images.list(reference).length, 1);
      await Promise.all([node.images.remove(reference), node.images.remove(reference)]);
      assert.equal(node.images.status(reference), undefined, reference);
      assert.deepEqual([node.images.list(), node.layers()], [[], []]);
      await node.images.remove(reference);
      await pullAll();
    }
    assert.equal(node.images.status("Not A Reference"), undefined);
    assert.equal(node.images.status("0000"), undefined);
  });

  test("a tag goes to the image it was pulled for last", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const [old, fresh] = [await imageOf([file("old")]), await imageOf([file("new")])];
    for (const image of [old, fresh]) {
      registry.push("lab/app", image, "latest");
      await node.images.pull(`${registry.host}/lab/app`);
    }
    assert.equal(node.images.status(`${registry.host}/lab/app`)?.id, fresh.id);
    assert.deepEqual(node.images.status(old.id)?.tags, []);
    assert.equal(node.images.status(old.id)?.digests.length, 1);
  });

  test("an image in use keeps its layers over removal and restart, until it is let go", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const image = await imageOf([file("x")]);
    registry.push("lab/app", image, "1");
    await node.images.pull(`${registry.host}/lab/app:1`);
    node.images.acquire(image.id, "container-1");
    node.images.acquire(image.id, "container-1");
    await node.images.remove(image.id);
    assert.deepEqual(node.images.list(), []);
    assert.equal(node.images.status(image.id), undefined);
    const images = await node.restart();
    const [lower = ""] = images.rootSource(image.id).lower;
    assert.equal(readFileSync(join(lower, "x"), "utf8"), "x");
    // Pulled again it is back, without a download, and survives the end of its use.
    const before = registry.requests.length;
    await images.pull(`${registry.host}/lab/app:1`);
    assert.equal(registry.requests.slice(before).filter(({ line }) => line.includes("/blobs/")).length, 0);
    await images.release(image.id, "container-1");
    assert.equal(images.list().length, 1);
    images.acquire(image.id, "container-2");
    await images.remove(image.id);
    await images.releaseOthers(["container-2"]);
    assert.equal(node.layers().length, 1);
    await images.release(image.id, "container-2");
    await images.release(image.id, "container-2");
    assert.deepEqual(node.layers(), []);
    assert.throws(() => images.acquire(image.id, "container-3"), { code: "NOT_FOUND" });
    assert.throws(() => images.rootSource(image.id), { code: "NOT_FOUND" });
  });

  test("a start clears what was left half done, and forgets an image whose layer is gone", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    registry.push("lab/kept", await imageOf([file("kept")]), "latest");
    registry.push("lab/lost", await imageOf([file("base")], [file("lost")]), "latest");
    await node.images.pull(`${registry.host}/lab/kept`);
    await node.images.pull(`${registry.host}/lab/lost`);
    const kept = node.images.rootSource(node.images.status(`${registry.host}/lab/kept`)?.id ?? "").lower;
    const lost = node.images.rootSource(node.images.status(`${registry.host}/lab/lost`)?.id ?? "").lower;
    mkdirSync(join(node.dataDir, "layers/partial-0123/deep"), { recursive: true });
    mkdirSync(join(node.dataDir, "layers/unknown"));
    execFileSync("rm", ["-rf", lost[0] ?? ""]);
    const images = await node.restart();
    assert.deepEqual(
      images.list().map(({ tags }) => tags),
      [[`${registry.host}/lab/kept:latest`]],
    );
    assert.deepEqual(
      node.layers().map((name) => join(node.dataDir, "layers", name)),
      kept,
    );
  });

  test("whiteouts, opaque directories and implied parents make the file system that was meant", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    const image = await imageOf(
      [
        { name: "private/", mode: 0o700, uid: 33, mtime: 5 },
        file("private/a"),
        file("gone"),
        { name: "dir/" },
        file("dir/old"),
        { name: "replaced/" },
        file("replaced/old"),
        file("deep/a/b/c"),
      ],
      [
        file("private/b"),
        file(".wh.gone", ""),
        file("dir/.wh..wh..opq", ""),
        file("dir/.wh.old", ""),
        file("dir/new"),
        file(".wh.replaced", ""),
        { name: "replaced/" },
        file("replaced/new"),
        file("deep/a/.wh.b", ""),
        file("fresh/.wh.nothing", ""),
      ],
    );
    registry.push("lab/app", image, "latest");
    await node.images.pull(`${registry.host}/lab/app`);
    const root = tmpfs(t);
    const { lower } = node.images.rootSource(image.id);
    execFileSync("mount", ["-t", "overlay", "-o", `userxattr,lowerdir=${lower.join(":")}`, "overlay", root]);
    try {
      const tree = execFileSync("find", [".", "-mindepth", "1", "-printf", "%y %P\n"], {
        cwd: root,
        encoding: "utf8",
      });
      assert.deepEqual(tree.trim().split("\n").sort(), [
        "d deep",
        "d deep/a",
        "d dir",
        "d fresh",
        "d private",
        "d replaced",
        "f dir/new",
        "f private/a",
        "f private/b",
        "f replaced/new",
      ]);
      const status = statSync(join(root, "private"));
      assert.deepEqual([status.mode & 0o7777, status.uid, status.mtimeMs], [0o700, 33, 5000]);
    } finally {
      execFileSync("umount", [root]);
    }
  });

  test("mirrors of hosts.toml serve images of registries that are out of reach", async (t) => {
    const registry = await startRegistry(t);
    const certs = tmpfs(t);
    mkdirSync(join(certs, "_default"));
    writeFileSync(
      join(certs, "_default/hosts.toml"),
      `server = "http://127.0.0.1:1"\n[host."http://${registry.host}"]\ncapabilities = ["pull", "resolve"]\n`,
    );
    const node = await startImages(t, { certsDirectories: [certs] });
    const image = await imageOf([file("x")]);
    registry.push("registry.example/lab/app", image, "1");
    await node.images.pull("registry.example/lab/app:1");
    assert.deepEqual(node.images.list()[0]?.tags, ["registry.example/lab/app:1"]);
    await assert.rejects(node.images.pull("other.example/lab/app:1"), { code: "NOT_FOUND" });
  });
}
