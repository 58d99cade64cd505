import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { demoImage } from "../../fixtures/image-demo.ts";
import { Registry } from "../../fixtures/registry.ts";
import { attachSignatures, makeKey, payloadOf, signPayload } from "../../fixtures/signatures.ts";
import { type LichenNode, startNode } from "../../support/node.ts";

const home = mkdtempSync(join(tmpdir(), "lichen-home-"));
const key = makeKey();
let registry: Registry;
let node: LichenNode;
before(async () => {
  registry = await Registry.start();
  registry.push("lab/app", await demoImage(), "1");
  mkdirSync(join(home, "containers"));
  writeFileSync(join(home, "key.pub"), key.publicKey);
  const signed = {
    type: "sigstoreSigned",
    keyPath: join(home, "key.pub"),
    signedIdentity: { type: "matchRepository" },
  };
  writeFileSync(
    join(home, "containers/policy.json"),
    JSON.stringify({
      default: [{ type: "reject" }],
      transports: { docker: { [`${registry.host}/lab`]: [signed] } },
    }),
  );
  node = await startNode({ env: { XDG_CONFIG_HOME: home } });
});
after(async () => {
  await node.stop();
  await registry.close();
  rmSync(home, { recursive: true });
});

const pull = (image: string) => node.client.pullImage({ image: { image } });

test("the user's own policy holds, and a kubelet understands the refusal", async () => {
  const name = `${registry.host}/lab/app`;
  const refusal = (reason: string) => ({
    code: status.PERMISSION_DENIED,
    details: new RegExp(`^SignatureValidationFailed: pull image .*${reason}.*cosign sign`),
  });
  await assert.rejects(pull(`${name}:1`), refusal("requires a sigstore signature, and it has none"));
  await assert.rejects(pull(`${registry.host}/other/app:1`), { code: status.NOT_FOUND });
  registry.push("other/app", await demoImage(), "1");
  await assert.rejects(pull(`${registry.host}/other/app:1`), refusal("rejects it"));
  const { status: exit, stderr } = await node.lichen("pull", `${name}:1`);
  assert.equal(exit, 1);
  assert.match(stderr, /check signature of image .*it has none/);
  const { digest, id } = await demoImage();
  attachSignatures(registry, "lab/app", digest, [signPayload(payloadOf({ reference: name, digest }), key)]);
  assert.equal((await pull(`${name}:1`)).imageRef, id);
});
