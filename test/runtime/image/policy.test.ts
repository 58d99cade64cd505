import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type BuiltImage, buildImage, buildIndex } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import type { Registry } from "../../fixtures/registry.ts";
import {
  attachSignatures,
  makeKey,
  payloadOf,
  type Signature,
  signPayload,
} from "../../fixtures/signatures.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { type ImageNode, startImages, startRegistry, tmpfs } from "./node.ts";

const key = makeKey();
const stranger = makeKey();
const keyData = Buffer.from(key.publicKey).toString("base64");
const signedBy = (more: object = {}) => ({ type: "sigstoreSigned", keyData, ...more });
const anyTag = { signedIdentity: { type: "matchRepository" } };

interface Scene {
  node: ImageNode;
  registry: Registry;
  image: BuiltImage;
  name: string;
  /** Replaces the policy. */
  policy(...requirements: object[]): void;
  sign(...signatures: Signature[]): void;
  /** A good statement about the image, changed at will. */
  statement(more?: object): Buffer;
}

async function scene(t: TestContext): Promise<Scene> {
  const file = join(tmpfs(t), "policy.json");
  const registry = await startRegistry(t);
  const node = await startImages(t, { policy: { files: [file], required: true } });
  const image = buildImage({ layers: [await buildLayer([{ name: "file", content: "content" }])] });
  registry.push("lab/app", image, "1");
  const name = `${registry.host}/lab/app`;
  const policy = (...requirements: object[]) =>
    writeFileSync(
      file,
      JSON.stringify({
        default: [{ type: "reject" }],
        transports: { docker: { [registry.host]: requirements } },
      }),
    );
  return {
    node,
    registry,
    image,
    name,
    policy,
    sign: (...signatures) => attachSignatures(registry, "lab/app", image.digest, signatures),
    statement: (more = {}) => payloadOf({ reference: name, digest: image.digest, ...more }),
  };
}

/** Refused for this reason, before any layer was asked for. */
async function refused({ node, registry, image, name }: Scene, message: RegExp, reference = `${name}:1`) {
  await assert.rejects(node.images.pull(reference), {
    code: "PERMISSION_DENIED",
    operation: "pull image",
    message,
  });
  for (const layer of [...image.blobs.keys()].filter((digest) => digest !== image.id))
    assert.equal(registry.count(layer), 0);
  assert.deepEqual(node.layers(), []);
  assert.deepEqual(node.images.list(), []);
}

if (inNamespaces("all")) {
  test("an image that is signed as required comes in, and one that is not does not", async (t) => {
    const at = await scene(t);
    at.policy(signedBy(anyTag));
    await refused(at, /requires a sigstore signature, and it has none/);
    at.sign(signPayload(at.statement(), stranger));
    await refused(at, /none of its 1 will do: it is by another key/);
    at.sign(signPayload(at.statement(), stranger), signPayload(at.statement(), key));
    assert.deepEqual(await at.node.images.pull(`${at.name}:1`), { id: at.image.id });
  });

  test("a good signature for something else is none", async (t) => {
    const at = await scene(t);
    at.policy(signedBy(anyTag));
    const other = `sha256:${"0".repeat(64)}`;
    const wrong: [Buffer, RegExp][] = [
      [at.statement({ digest: other }), new RegExp(`it is for another image \\(${other}\\)`)],
      [at.statement({ reference: "other.io/app" }), /it is for other\.io\/app, and matchRepository wants/],
      [at.statement({ type: "atomic container signature" }), /no statement about an image/],
      [Buffer.from("not even JSON"), /no statement about an image/],
    ];
    for (const [payload, message] of wrong) {
      at.sign(signPayload(payload, key));
      await refused(at, message);
    }
    const good = signPayload(at.statement(), key);
    at.sign({ ...good, payload: Buffer.concat([good.payload, Buffer.from(" ")]) });
    await refused(at, /it is by another key/);
    at.sign({ ...good, signature: "!!" });
    await refused(at, /it is by another key/);
  });

  test("by default a tag has to be signed as that tag, a digest as its repository", async (t) => {
    const at = await scene(t);
    at.policy(signedBy());
    at.sign(signPayload(at.statement(), key));
    await refused(at, /and matchRepoDigestOrExact wants .*lab\/app:1/);
    assert.deepEqual(await at.node.images.pull(`${at.name}@${at.image.digest}`), { id: at.image.id });
    await at.node.images.remove(at.image.id);
    at.sign(signPayload(at.statement({ reference: `${at.name}:1` }), key));
    assert.deepEqual(await at.node.images.pull(`${at.name}:1`), { id: at.image.id });
  });

  test("all requirements have to be met", async (t) => {
    const at = await scene(t);
    const second = makeKey("rsa");
    at.policy(
      signedBy(anyTag),
      signedBy({ ...anyTag, keyData: Buffer.from(second.publicKey).toString("base64") }),
    );
    at.sign(signPayload(at.statement(), key));
    await refused(at, /it is by another key/);
    at.sign(signPayload(at.statement(), key), signPayload(at.statement(), second));
    assert.deepEqual(await at.node.images.pull(`${at.name}:1`), { id: at.image.id });
  });

  test("a signature of the index or of this machine's manifest will do", async (t) => {
    const at = await scene(t);
    at.policy(signedBy(anyTag));
    const index = buildIndex([
      buildImage({ layers: [], platform: { os: "linux", architecture: "s390x" } }),
      at.image,
    ]);
    at.registry.push("lab/app", index, "1");
    await refused(at, /it has none/);
    for (const digest of [index.digest, at.image.digest]) {
      const payload = payloadOf({ reference: at.name, digest });
      attachSignatures(at.registry, "lab/app", digest, [signPayload(payload, key)]);
      assert.deepEqual(await at.node.images.pull(`${at.name}:1`), { id: at.image.id });
      await at.node.images.remove(at.image.id);
      attachSignatures(at.registry, "lab/app", digest, []);
    }
  });

  test("the policy is read at every pull: accepted, rejected, not understood, gone", async (t) => {
    const at = await scene(t);
    at.policy({ type: "insecureAcceptAnything" });
    await at.node.images.pull(`${at.name}:1`);
    assert.equal(at.registry.count(".sig"), 0);
    await at.node.images.remove(at.image.id);
    at.registry.requests.length = 0;
    at.policy({ type: "reject" });
    await refused(at, /policy\.json rejects it/);
    at.policy({ type: "signedBy", keyType: "GPGKeys", keyPath: "/x" });
    await assert.rejects(at.node.images.pull(`${at.name}:1`), {
      code: "FAILED_PRECONDITION",
      message: /"signedBy" is a requirement that lichen cannot check/,
    });
    at.policy(signedBy({ keyData: undefined, keyPath: "/no/such.pub" }));
    await assert.rejects(at.node.images.pull(`${at.name}:1`), {
      code: "FAILED_PRECONDITION",
      message: /\/no\/such\.pub: ENOENT/,
    });
    const without = await startImages(t, { policy: { files: ["/no/policy.json"], required: true } });
    await assert.rejects(without.images.pull(`${at.name}:1`), { code: "FAILED_PRECONDITION" });
  });

  test("a registry that fails to say whether there are signatures lets nothing in", async (t) => {
    const at = await scene(t);
    at.policy(signedBy(anyTag));
    at.registry.faults.push({ path: ".sig", kind: "status", status: 403 });
    await assert.rejects(at.node.images.pull(`${at.name}:1`), { code: "PERMISSION_DENIED", message: /403/ });
    assert.deepEqual(at.node.layers(), []);
  });

  test("an archive, which has no signatures, comes in only where none is required", async (t) => {
    const at = await scene(t);
    at.policy({ type: "insecureAcceptAnything" });
    await at.node.images.pull(`${at.name}:1`);
    const chunks: Uint8Array[] = [];
    for await (const { data } of at.node.images.save([`${at.name}:1`])) if (data) chunks.push(data);
    const archive = async function* () {
      yield* chunks;
    };
    await assert.rejects(at.node.images.load(archive()), {
      code: "PERMISSION_DENIED",
      message: /rejects images from a oci-archive/,
    });
    const free = await startImages(t);
    assert.equal((await free.images.load(archive())).length, 1);
  });
}
