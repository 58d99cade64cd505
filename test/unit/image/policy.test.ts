import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parsePolicy, readRequirement, type SignedIdentity } from "../../../src/image/policy/document.ts";
import { policyFile } from "../../../src/image/policy/file.ts";
import { identityProblem } from "../../../src/image/policy/identity.ts";
import { isSignedBy, keysOf } from "../../../src/image/policy/keys.ts";
import { requirementsOf, requirementsOfArchive, scopesOf } from "../../../src/image/policy/scopes.ts";
import { parseReference } from "../../../src/image/reference.ts";
import { makeKey, signPayload } from "../../fixtures/signatures.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-policy-"));
after(() => rmSync(directory, { recursive: true }));
const digest = `sha256:${"a".repeat(64)}`;
const reject = [{ type: "reject" }];
const accept = [{ type: "insecureAcceptAnything" }];

describe("scopes of a policy", () => {
  it("go from the reference up to everything", () => {
    assert.deepEqual(scopesOf(parseReference("reg.example.com:5000/team/app:1")), [
      "reg.example.com:5000/team/app:1",
      "reg.example.com:5000/team/app",
      "reg.example.com:5000/team",
      "reg.example.com:5000",
      "*.example.com",
      "*.com",
      "",
    ]);
    assert.equal(scopesOf(parseReference("alpine"))[0], "docker.io/library/alpine:latest");
    assert.equal(scopesOf(parseReference(`alpine:3@${digest}`))[0], `docker.io/library/alpine@${digest}`);
  });

  it("the longest that matches decides, whatever the order of the file", () => {
    const policy = parsePolicy(
      JSON.stringify({
        default: accept,
        transports: {
          docker: {
            "": reject,
            "*.example.com": accept,
            "reg.example.com/team": reject,
            "docker.io": accept,
          },
          "oci-archive": { "": reject },
        },
      }),
      "p",
    );
    const type = (reference: string) => requirementsOf(policy, parseReference(reference))[0]?.type;
    assert.equal(type("reg.example.com/team/app"), "reject");
    assert.equal(type("reg.example.com/teammate/app"), "insecureAcceptAnything");
    assert.equal(type("alpine"), "insecureAcceptAnything");
    assert.equal(type("quay.io/x"), "reject");
    assert.equal(requirementsOfArchive(policy, "oci-archive")[0]?.type, "reject");
    assert.equal(requirementsOfArchive(policy, "docker-archive")[0]?.type, "insecureAcceptAnything");
  });

  it("a name that objects have by themselves is none", () => {
    const policy = parsePolicy(JSON.stringify({ default: reject, transports: { docker: {} } }), "p");
    assert.equal(requirementsOf(policy, parseReference("constructor/x"))[0]?.type, "reject");
  });
});

describe("the policy's document", () => {
  it("says what is wrong with it", () => {
    const wrong: [string, RegExp][] = [
      ["{", /it is no JSON/],
      ["{}", /default/],
      ['{"default":[]}', /default/],
      ['{"default":[{"type":"reject"}],"transport":{}}', /transport: not supported/],
    ];
    for (const [text, message] of wrong)
      assert.throws(() => parsePolicy(text, "/p.json"), {
        code: "FAILED_PRECONDITION",
        object: "/p.json",
        message,
      });
  });

  it("refuses by name what it does not understand, where it matters", () => {
    const wrong: [{ type: string; [key: string]: unknown }, RegExp][] = [
      [
        { type: "signedBy", keyType: "GPGKeys", keyPath: "/k" },
        /"signedBy" is a requirement that lichen cannot check/,
      ],
      [{ type: "signedByNobody" }, /"signedByNobody" is not known/],
      [{ type: "sigstoreSigned" }, /exactly one of keyPath/],
      [{ type: "sigstoreSigned", keyPath: "/a", keyData: "b" }, /exactly one of keyPath/],
      [{ type: "sigstoreSigned", fulcio: {} }, /fulcio: not supported/],
      [
        { type: "sigstoreSigned", keyPath: "/k", rekorPublicKeyPath: "/r" },
        /rekorPublicKeyPath: not supported/,
      ],
      [
        { type: "sigstoreSigned", keyPath: "/k", signedIdentity: { type: "remapIdentity", prefix: "a" } },
        /signedIdentity.*"remapIdentity" is not known/,
      ],
    ];
    for (const [requirement, message] of wrong) {
      parsePolicy(
        JSON.stringify({ default: accept, transports: { docker: { "quay.io": [requirement] } } }),
        "p",
      );
      assert.throws(() => readRequirement(requirement, "p"), { code: "FAILED_PRECONDITION", message });
    }
  });

  it("is the first file that is there, and none when none has to be", () => {
    const file = join(directory, "policy.json");
    const files = [join(directory, "missing", "x"), file];
    assert.equal(policyFile(undefined), undefined);
    assert.equal(policyFile({ files, required: false }), undefined);
    assert.equal(policyFile({ files, required: true }), files[0]);
    writeFileSync(file, "");
    assert.equal(policyFile({ files, required: false }), file);
    // Something that cannot be looked at may be a policy: not finding it would open the door.
    assert.equal(policyFile({ files: ["/x".repeat(3000)], required: false }), "/x".repeat(3000));
  });
});

describe("the name that a signature is for", () => {
  const fits = (identity: SignedIdentity, wanted: string, signed: string) =>
    identityProblem(identity, parseReference(wanted), signed) === undefined;
  const repoOrExact = { type: "matchRepoDigestOrExact" } as const;
  const cases: [SignedIdentity, string, string, boolean][] = [
    [repoOrExact, "reg.io/app:1", "reg.io/app:1", true],
    [repoOrExact, "reg.io/app:1", "reg.io/app:2", false],
    // What cosign writes: a repository is not one of its tags.
    [repoOrExact, "reg.io/app:1", "reg.io/app", false],
    [repoOrExact, "reg.io/app:latest", "reg.io/app", false],
    [repoOrExact, `reg.io/app@${digest}`, "reg.io/app", true],
    [repoOrExact, `reg.io/app@${digest}`, "reg.io/app:5", true],
    [repoOrExact, `reg.io/app@${digest}`, "reg.io/other", false],
    [{ type: "matchRepository" }, "reg.io/app:1", "reg.io/app", true],
    [{ type: "matchRepository" }, "reg.io/app:1", "reg.io/app:7", true],
    [{ type: "matchRepository" }, "reg.io/app:1", "evil.io/app", false],
    [{ type: "matchExact" }, "reg.io/app:1", "reg.io/app:1", true],
    [{ type: "matchExact" }, `reg.io/app@${digest}`, `reg.io/app@${digest}`, true],
    [{ type: "matchExact" }, `reg.io/app@${digest}`, "reg.io/app", false],
    [{ type: "exactReference", dockerReference: "up.io/app:1" }, "mirror.io/app:9", "up.io/app:1", true],
    [{ type: "exactReference", dockerReference: "up.io/app:1" }, "mirror.io/app:9", "up.io/app:2", false],
    [{ type: "exactRepository", dockerRepository: "up.io/app" }, "mirror.io/app:9", "up.io/app:3", true],
    [{ type: "exactRepository", dockerRepository: "up.io/app" }, "mirror.io/app:9", "up.io/other", false],
    [repoOrExact, "alpine:3", "docker.io/library/alpine:3", true],
    [{ type: "matchRepository" }, "reg.io/app:1", "NOT A NAME", false],
    [{ type: "matchRepository" }, "reg.io/app:1", "", false],
  ];
  for (const [identity, wanted, signed, expected] of cases) {
    it(`${identity.type}: ${signed || "nothing"} ${expected ? "fits" : "does not fit"} ${wanted.slice(0, 30)}`, () =>
      assert.equal(fits(identity, wanted, signed), expected));
  }
});

describe("keys", () => {
  const signed = (fields: object) => ({
    type: "sigstoreSigned" as const,
    signedIdentity: { type: "matchRepository" as const },
    ...fields,
  });

  it("of the usual kinds verify what they have signed, and nothing else", async () => {
    const payload = Buffer.from("a statement");
    for (const kind of ["ec", "rsa", "ed25519"] as const) {
      const key = makeKey(kind);
      const other = makeKey(kind);
      const keys = await keysOf(signed({ keyData: Buffer.from(key.publicKey).toString("base64") }));
      const signature = Buffer.from(signPayload(payload, key).signature, "base64");
      assert.ok(isSignedBy(keys, payload, signature), kind);
      assert.ok(!isSignedBy(keys, Buffer.from("another"), signature), kind);
      assert.ok(
        !isSignedBy(keys, payload, Buffer.from(signPayload(payload, other).signature, "base64")),
        kind,
      );
      for (const broken of [Buffer.alloc(0), Buffer.alloc(64), signature.subarray(1)])
        assert.ok(!isSignedBy(keys, payload, broken), kind);
    }
  });

  it("come from files and texts, and one of several will do", async () => {
    const [one, two] = [makeKey(), makeKey()];
    const file = join(directory, "one.pub");
    const other = join(directory, "two.pub");
    writeFileSync(file, one.publicKey);
    writeFileSync(other, two.publicKey);
    const payload = Buffer.from("x");
    const signature = Buffer.from(signPayload(payload, two).signature, "base64");
    assert.ok(isSignedBy(await keysOf(signed({ keyPaths: [file, other] })), payload, signature));
    const datas = [one, two].map(({ publicKey }) => Buffer.from(publicKey).toString("base64"));
    assert.ok(isSignedBy(await keysOf(signed({ keyDatas: datas })), payload, signature));
    assert.ok(!isSignedBy(await keysOf(signed({ keyPath: file })), payload, signature));
  });

  it("that are none are refused with their place", async () => {
    const file = join(directory, "no.pub");
    writeFileSync(file, "no key");
    const object = (expected: string) => ({ code: "FAILED_PRECONDITION", object: expected });
    await assert.rejects(keysOf(signed({ keyPath: file })), object(file));
    await assert.rejects(keysOf(signed({ keyPath: "/nowhere.pub" })), object("/nowhere.pub"));
    await assert.rejects(keysOf(signed({ keyDatas: ["AAAA"] })), object("keyData 1"));
    // A private key would do as well, and has no place in a policy.
    const pem = makeKey().privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    await assert.rejects(
      keysOf(signed({ keyData: Buffer.from(pem).toString("base64") })),
      object("keyData 1"),
    );
  });
});
