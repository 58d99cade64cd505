import assert from "node:assert/strict";
import { test } from "node:test";
import { chainIds, digestProblem, sha256 } from "../../../src/image/digest.ts";
import { imageUser, parseImageConfig } from "../../../src/image/image-config.ts";
import { type ParsedManifest, parseManifest } from "../../../src/image/manifest.ts";
import { checkPlatform, choosePlatform, localPlatform } from "../../../src/image/platform.ts";
import { buildImage, buildIndex } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";

const layer = await buildLayer([{ name: "file", content: "x" }]);
const parse = (document: unknown, contentType = "") =>
  parseManifest(Buffer.from(JSON.stringify(document)), contentType, "an image");
const images = (...platforms: string[]) => {
  const index = buildIndex(
    platforms.map((name) => {
      const [os = "", architecture = "", variant] = name.split("/");
      return buildImage({ layers: [layer], platform: { os, architecture, ...(variant ? { variant } : {}) } });
    }),
  );
  const parsed = parseManifest(index.data, index.mediaType, "an index") as ParsedManifest & { kind: "index" };
  return { index, manifests: parsed.manifests };
};

test("OCI and Docker manifests are read alike", () => {
  for (const docker of [false, true]) {
    const image = buildImage({ layers: [layer], docker });
    const manifest = parseManifest(image.data, image.mediaType, "an image");
    assert.ok(manifest.kind === "image");
    assert.equal(manifest.config.digest, image.id);
    assert.deepEqual(
      manifest.layers.map(({ digest, size }) => ({ digest, size })),
      [{ digest: layer.digest, size: layer.blob.length }],
    );
    const index = buildIndex([image], docker);
    const parsed = parseManifest(index.data, index.mediaType, "an index");
    assert.ok(parsed.kind === "index");
    assert.equal(parsed.manifests[0]?.digest, image.digest);
  }
});

test("the document's own media type wins over the header, and the header serves where it has none", () => {
  const index = { schemaVersion: 2, manifests: [] };
  assert.equal(parse(index, "application/vnd.oci.image.index.v1+json").kind, "index");
  assert.equal(parse(index, "application/json").kind, "index");
  const { mediaType, data } = buildImage({ layers: [] });
  assert.equal(parseManifest(data, "text/plain", "").kind, "image");
  assert.ok(mediaType);
});

test("forms that are not supported are refused by name", () => {
  const refused = (document: unknown, reason: RegExp, contentType = "") =>
    assert.throws(() => parse(document, contentType), { code: "FAILED_PRECONDITION", reason });
  refused({ schemaVersion: 1, fsLayers: [] }, /Docker schema 1/);
  refused({ fsLayers: [] }, /Docker schema 1/, "application/vnd.docker.distribution.manifest.v1+prettyjws");
  refused({ schemaVersion: 2, mediaType: "application/vnd.cncf.helm" }, /application\/vnd.cncf.helm/);
  const edited = (edit: Parameters<typeof buildImage>[0]["edit"]) =>
    JSON.parse(Buffer.from(buildImage({ layers: [layer], ...(edit ? { edit } : {}) }).data).toString());
  refused(
    edited((manifest) => {
      manifest.config.mediaType = "application/vnd.cncf.helm.config.v1+json";
    }),
    /helm.config/,
  );
  refused(
    edited((manifest) => {
      for (const one of manifest.layers) one.mediaType += "+encrypted";
    }),
    /\+encrypted/,
  );
});

test("malformed documents say where", () => {
  const malformed = (data: string, reason: RegExp) =>
    assert.throws(() => parseManifest(Buffer.from(data), "", "an image"), { code: "DATA_LOSS", reason });
  malformed("<html>", /malformed/);
  malformed("[]", /no JSON object/);
  malformed(
    '{"schemaVersion":2,"layers":[],"config":{"mediaType":"x","digest":"sha256:1","size":1}}',
    /config.digest/,
  );
  malformed('{"schemaVersion":2,"layers":[{}],"config":{}}', /config.mediaType/);
});

test("the platform of this machine is chosen from an index", () => {
  const local = localPlatform();
  const name = [local.os, local.architecture, local.variant].filter(Boolean).join("/");
  const { index, manifests } = images("linux/s390x", name, "windows/amd64");
  assert.equal(choosePlatform(manifests, local, "").digest, index.images[1]?.digest);
});

test("variants: the same one, else the nearest older one, never a newer one", () => {
  const { index, manifests } = images(
    "linux/arm/v5",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/amd64/v3",
    "linux/amd64",
  );
  const chosen = (platform: Parameters<typeof choosePlatform>[1]) =>
    index.images.findIndex(({ digest }) => digest === choosePlatform(manifests, platform, "").digest);
  assert.equal(chosen({ os: "linux", architecture: "arm", variant: "v7" }), 2);
  assert.equal(chosen({ os: "linux", architecture: "arm", variant: "v6" }), 1);
  assert.equal(chosen({ os: "linux", architecture: "arm", variant: "v8" }), 2);
  assert.equal(chosen({ os: "linux", architecture: "amd64" }), 4);
  assert.throws(() => chosen({ os: "linux", architecture: "riscv64" }), {
    code: "NOT_FOUND",
    reason: /linux\/riscv64, only for linux\/arm\/v5, /,
  });
});

const amd64 = { os: "linux", architecture: "amd64" };
const entry = (letter: string, platform?: object | null, more: object = {}) => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${letter.repeat(64)}`,
  size: 1,
  ...(platform === undefined ? {} : { platform }),
  ...more,
});
/** The first digit of the digest of what is chosen from an index for a machine. */
function choose(manifests: object[], wanted: Parameters<typeof choosePlatform>[1] = amd64): string {
  const index = parseManifest(
    Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })),
    "application/vnd.oci.image.index.v1+json",
    "an index",
  );
  assert.equal(index.kind, "index");
  return choosePlatform(index.manifests, wanted, "an index").digest.slice("sha256:".length)[0] ?? "";
}

test("what needs features of the system is for others; the system's version means nothing", () => {
  const special = { ...amd64, "os.features": ["erofs"] };
  assert.equal(choose([entry("a", special), entry("b", { ...amd64, "os.version": "99" })]), "b");
  assert.equal(choose([entry("a", { ...amd64, "os.features": [] })]), "a");
  assert.equal(choose([entry("a", { ...amd64, variant: null, "os.features": null })]), "a");
  assert.throws(() => choose([entry("a", special)]), { code: "NOT_FOUND", reason: /amd64 with erofs/ });
});

test("other names of architectures, and amd64's v1, are understood", () => {
  for (const architecture of ["x86_64", "x86-64"])
    assert.equal(choose([entry("a", { os: "linux", architecture })]), "a");
  assert.equal(
    choose([entry("a", { ...amd64, variant: "v2" }), entry("b", { ...amd64, variant: "v1" })]),
    "b",
  );
  assert.throws(() => choose([entry("a", { ...amd64, variant: "v2" })]), {
    reason: /only for linux\/amd64\/v2/,
  });
  const arm64 = { os: "linux", architecture: "arm64", variant: "v8" };
  assert.equal(choose([entry("a", { os: "linux", architecture: "aarch64" })], arm64), "a");
  const arm = { os: "linux", architecture: "arm", variant: "v6" };
  const armv7 = { os: "linux", architecture: "armhf" };
  assert.equal(choose([entry("a", armv7), entry("b", { os: "linux", architecture: "armel" })], arm), "b");
});

test("an entry that names no platform is taken when no other fits, unless it is no image", () => {
  const other = { os: "linux", architecture: "s390x" };
  assert.equal(choose([entry("a"), entry("b", amd64)]), "b");
  assert.equal(choose([entry("a", other), entry("b"), entry("c", null)]), "b");
  assert.throws(() => choose([entry("a", other), entry("b", undefined, { artifactType: "x/signature" })]), {
    code: "NOT_FOUND",
  });
  checkPlatform({ ...amd64, architecture: "x86_64" }, amd64, "an image");
  assert.throws(() => checkPlatform(other, amd64, "an image"), {
    code: "NOT_FOUND",
    reason: /no variant for linux\/amd64, only for linux\/s390x/,
  });
});

test("chain ids are those of image-spec", () => {
  const [a, b, c] = ["a", "b", "c"].map(sha256) as [string, string, string];
  assert.deepEqual(chainIds([a]), [a]);
  assert.deepEqual(chainIds([a, b, c]), [a, sha256(`${a} ${b}`), sha256(`${sha256(`${a} ${b}`)} ${c}`)]);
  assert.deepEqual(chainIds([]), []);
});

test("digests are checked to the letter", () => {
  assert.equal(digestProblem(sha256("x")), undefined);
  assert.match(digestProblem("abc") ?? "", /written/);
  assert.match(digestProblem("sha1:abc") ?? "", /"sha1" is not known/);
  assert.match(digestProblem("sha256:abc") ?? "", /64 hex digits, not 3/);
  assert.match(digestProblem(sha256("x").toUpperCase().replace("SHA256", "sha256")) ?? "", /lower-case/);
});

const config = (edit: object = {}) =>
  Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: { User: "", Env: null, Cmd: ["sh"], Labels: { a: "b" } },
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [],
      ...edit,
    }),
  );

test("an image configuration is read, Docker's nulls left out", () => {
  const parsed = parseImageConfig(config(), 1, "an image");
  assert.deepEqual(parsed.diffIds, [layer.diffId]);
  assert.deepEqual(parsed.config, {
    architecture: "amd64",
    os: "linux",
    config: { User: "", Cmd: ["sh"], Labels: { a: "b" } },
  });
  assert.deepEqual(parseImageConfig(config({ config: null }), 1, "").config.config, {});
});

test("a configuration that does not fit its manifest is refused", () => {
  assert.throws(() => parseImageConfig(config(), 2, ""), {
    code: "DATA_LOSS",
    reason: /1 layers, the manifest 2/,
  });
  const wrong = config({ rootfs: { type: "layers", diff_ids: ["../../etc"] } });
  assert.throws(() => parseImageConfig(wrong, 1, ""), { code: "DATA_LOSS", reason: /diff_ids/ });
  assert.throws(() => parseImageConfig(config({ config: { Cmd: "sh" } }), 1, ""), { reason: /config.Cmd/ });
});

test("the user is a uid or a name, never neither", () => {
  const user = (User: string) => imageUser({ architecture: "", os: "", config: { User } });
  assert.deepEqual(user("1002"), { uid: 1002 });
  assert.deepEqual(user("1002:1003"), { uid: 1002 });
  assert.deepEqual(user("www-data"), { name: "www-data" });
  assert.deepEqual(user("www-data:1004"), { name: "www-data" });
  assert.deepEqual(user(""), { uid: 0 });
  assert.deepEqual(imageUser({ architecture: "", os: "", config: {} }), { uid: 0 });
});

test("foreign layers are refused by name, before anything is fetched", () => {
  const types = [
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ];
  for (const mediaType of types) {
    const image = buildImage({
      layers: [],
      edit: ({ layers }) => layers.push({ mediaType, digest: `sha256:${"a".repeat(64)}`, size: 1 }),
    });
    assert.throws(() => parseManifest(image.data, image.mediaType, "lab/app:1"), {
      code: "FAILED_PRECONDITION",
      reason: /layer sha256:a+ is a foreign layer/,
    });
  }
});
