/** What comes from registries, archives and other programs' files is read, or refused as LichenError: never a TypeError, never a hang. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { parseConfig } from "../../../src/config/load.ts";
import { LichenError } from "../../../src/errors.ts";
import { sha256 } from "../../../src/image/digest.ts";
import { imageUser, parseImageConfig } from "../../../src/image/image-config.ts";
import { parseManifest } from "../../../src/image/manifest.ts";
import { mediaType } from "../../../src/image/media-types.ts";
import { choosePlatform } from "../../../src/image/platform.ts";
import { parsePolicy, readRequirement } from "../../../src/image/policy/document.ts";
import { requirementsOf, requirementsOfArchive } from "../../../src/image/policy/scopes.ts";
import { formatReference, parseReference } from "../../../src/image/reference.ts";
import { findCredentials } from "../../../src/image/registry/auth-files.ts";
import { loginPlaces } from "../../../src/image/registry/auth-store.ts";
import { parseChallenges } from "../../../src/image/registry/challenge.ts";
import { endpointsOf } from "../../../src/image/registry/hosts.ts";
import { proxyFor } from "../../../src/image/registry/proxy.ts";
import { strangeVariants } from "../../support/strange-json.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-strangers-"));
after(() => rmSync(directory, { recursive: true }));

/** What `read` gives; undefined when it refuses with a code and a reason. */
function readOrRefuse<T>(where: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof LichenError, `${where}: ${(error as Error).stack}`);
    assert.notEqual(error.code, "INTERNAL", where);
    assert.notEqual(error.reason, "", where);
    return undefined;
  }
}

const bytes = (document: unknown): Buffer => Buffer.from(JSON.stringify(document) ?? "");
const digest = sha256(Buffer.from("x"));
const descriptor = { mediaType: mediaType.ociConfig, digest, size: 3 };
const linux = { os: "linux", architecture: "amd64", variant: "v1" };

test("manifests", () => {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: descriptor,
    layers: [{ mediaType: mediaType.ociLayer, digest, size: 1 }],
  };
  let read = 0;
  for (const { where, variant } of strangeVariants(manifest)) {
    const parsed = readOrRefuse(where, () => parseManifest(bytes(variant), mediaType.ociManifest, "x"));
    if (parsed?.kind === "image") read++;
    for (const layer of parsed?.kind === "image" ? parsed.layers : [])
      assert.match(layer.digest, /^sha256:[0-9a-f]{64}$/);
  }
  assert.ok(read > 10);
});

test("indexes, and the choice in them", () => {
  const index = {
    schemaVersion: 2,
    mediaType: mediaType.ociIndex,
    manifests: [
      { ...descriptor, platform: { ...linux, "os.features": ["x"] } },
      { ...descriptor, platform: linux, artifactType: "application/x" },
    ],
  };
  for (const { where, variant } of strangeVariants(index)) {
    const parsed = readOrRefuse(where, () => parseManifest(bytes(variant), mediaType.ociIndex, "x"));
    if (parsed?.kind === "index") readOrRefuse(where, () => choosePlatform(parsed.manifests, linux, "x"));
  }
});

test("configurations of images", () => {
  const config = {
    ...linux,
    created: "2026-01-01T00:00:00Z",
    config: {
      User: "1000:1000",
      Env: ["PATH=/bin"],
      Entrypoint: ["sh"],
      Cmd: ["-c"],
      WorkingDir: "/",
      StopSignal: "SIGTERM",
      Labels: { a: "b" },
      ExposedPorts: { "80/tcp": {} },
      Volumes: { "/data": {} },
    },
    rootfs: { type: "layers", diff_ids: [digest] },
  };
  for (const { where, variant } of strangeVariants(config)) {
    const parsed = readOrRefuse(where, () => parseImageConfig(bytes(variant), 1, "x"));
    if (parsed === undefined) continue;
    assert.deepEqual(parsed.diffIds, [digest], where);
    const user = imageUser(parsed.config);
    assert.ok(user.uid === undefined || Number.isSafeInteger(user.uid), where);
  }
});

test("signature policies", () => {
  const signed = {
    type: "sigstoreSigned",
    keyPath: "/k",
    signedIdentity: { type: "exactReference", dockerReference: "a/b:1" },
  };
  const policy = {
    default: [{ type: "reject" }],
    transports: {
      docker: { "docker.io/library": [signed], "": [{ type: "insecureAcceptAnything" }] },
      "oci-archive": { "": [signed] },
    },
  };
  const reference = parseReference("alpine:3");
  for (const { where, variant } of strangeVariants(policy)) {
    const parsed = readOrRefuse(where, () => parsePolicy(JSON.stringify(variant), "policy.json"));
    if (parsed === undefined) continue;
    for (const requirements of [
      requirementsOf(parsed, reference),
      requirementsOfArchive(parsed, "oci-archive"),
    ]) {
      assert.ok(requirements.length > 0, `${where}: nothing would be required`);
      for (const one of requirements) readOrRefuse(where, () => readRequirement(one, "policy.json"));
    }
  }
});

test("files of credentials", async () => {
  const file = join(directory, "auth.json");
  const auth = Buffer.from("me:secret").toString("base64");
  const content = {
    auths: {
      "r.example": { auth },
      "https://index.docker.io/v1/": { username: "a", password: "b", identitytoken: "" },
    },
    credHelpers: { "other.example": "none-such" },
    credsStore: "",
  };
  for (const { where, variant } of strangeVariants(content)) {
    writeFileSync(file, JSON.stringify(variant));
    readOrRefuse(where, () => loginPlaces([file]));
    const found = await findCredentials("r.example/app", [file], { environment: { PATH: "/none" } }).catch(
      (error) =>
        readOrRefuse(where, () => {
          throw error;
        }),
    );
    if (found !== undefined) assert.equal(found.credentials.kind, "password", where);
  }
});

test("files about registries' hosts", () => {
  const hosts = {
    server: "https://r.example",
    ca: [] as string[],
    capabilities: ["pull", "resolve"],
    host: {
      "https://mirror.example": {
        capabilities: ["pull"],
        skip_verify: true,
        override_path: true,
        header: { x: ["y"], z: "w" },
        dial_timeout: "1m30s",
      },
    },
  };
  const folder = join(directory, "certs.d/r.example");
  mkdirSync(folder, { recursive: true });
  for (const { where, variant } of strangeVariants(hosts)) {
    let text: string;
    try {
      text = stringify(variant as Record<string, unknown>);
    } catch {
      continue; // TOML knows no null.
    }
    writeFileSync(join(folder, "hosts.toml"), text);
    const options = { certsDirectories: [join(directory, "certs.d")], plainHttpHosts: [] };
    for (const { url } of readOrRefuse(where, () => endpointsOf("r.example", options)) ?? [])
      assert.ok(URL.canParse(url), where);
  }
});

test("the configuration", () => {
  const defaults = JSON.parse(JSON.stringify(parseConfig("", "config.toml"))) as Record<string, unknown>;
  (defaults.logs as { max_size: unknown }).max_size = "10MiB";
  for (const { where, variant } of strangeVariants(defaults)) {
    let text: string;
    try {
      text = stringify(variant as Record<string, unknown>);
    } catch {
      continue;
    }
    readOrRefuse(where, () => parseConfig(text, "config.toml"));
  }
});

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.stringMatching(/^[a-z0-9./:@_%"=, [\]-]*$/),
);

test("any text in the place of a reference, and the registry that it names", () => {
  fc.assert(
    fc.property(text, (any) => {
      const reference = readOrRefuse(any, () => parseReference(any));
      if (reference === undefined) return;
      assert.deepEqual(parseReference(formatReference(reference)), reference);
      readOrRefuse(any, () => endpointsOf(reference.registry, { certsDirectories: [], plainHttpHosts: [] }));
    }),
    { numRuns: 3000 },
  );
});

test("any text in the place of a challenge, of a proxy, and of hosts without one", () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      for (const challenge of parseChallenges(`Bearer realm="${one}",${other}`))
        assert.equal(typeof challenge.scheme, "string");
      const settings = { http: one, https: `http://${one}:${other}@proxy:1`, none: other };
      for (const url of ["http://r.example/", "https://r.example/", "https://[fd00::1]:5000/"])
        readOrRefuse(one, () => proxyFor(new URL(url), settings));
    }),
    { numRuns: 3000 },
  );
});
