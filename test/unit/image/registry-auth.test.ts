import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseReference } from "../../../src/image/reference.ts";
import { makeCertificate } from "../../fixtures/certificates.ts";
import { buildImage } from "../../fixtures/image.ts";
import type { Registry } from "../../fixtures/registry.ts";
import { clientOf, endpointOf, startRegistry } from "../../support/registry-client.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-registry-auth-"));
after(() => rmSync(scratch, { recursive: true }));

const image = buildImage({ layers: [] });
const configuration = { digest: image.id, size: image.blobs.get(image.id)?.length ?? 0 };
const byTag = parseReference("registry.example/lab/app:1");
const bearer = { scheme: "bearer", username: "u", password: "p" } as const;
const person = { auth: { username: "u", password: "p" } };

/** A registry that challenges with this header, and no other. */
async function challenging(header: string): Promise<Registry> {
  const registry = await startRegistry({}, image);
  const headers = { "www-authenticate": header };
  registry.faults.push({ path: "/manifests/", kind: "status", status: 401, headers });
  return registry;
}

/** A file of credentials with the same name and password for all these places. */
function authFile(name: string, ...places: string[]): string {
  const path = join(scratch, name);
  const entry = { auth: Buffer.from("u:p").toString("base64") };
  writeFileSync(path, JSON.stringify({ auths: Object.fromEntries(places.map((place) => [place, entry])) }));
  return path;
}

test("an identity token is traded in, in the body of a request and nowhere else", async () => {
  const registry = await startRegistry({ auth: bearer }, image);
  const client = clientOf([endpointOf(registry)], { auth: { identityToken: "identity-of-u" } });
  assert.equal((await client.manifest(byTag)).digest, image.digest);
  const [asked] = registry.requests.filter(({ line }) => line === "POST /token");
  assert.equal(asked?.authorization, undefined);
  assert.equal(asked?.query.size, 0);
  const wrong = clientOf([endpointOf(registry)], { auth: { identityToken: "another" } });
  await assert.rejects(wrong.manifest(byTag), { code: "UNAUTHENTICATED", hint: /credentials of the pull/ });
});

test("an identity token is not sent on where a redirect leads", async () => {
  const elsewhere = await startRegistry({ auth: bearer });
  const registry = await startRegistry({ auth: bearer }, image);
  registry.faults.push({ path: "/token", kind: "redirect", location: `${elsewhere.url}/token` });
  const client = clientOf([endpointOf(registry)], { auth: { identityToken: "identity-of-u" } });
  await assert.rejects(client.manifest(byTag), { reason: /credentials are not sent on to http:/ });
  assert.equal(elsewhere.requests.length, 0);
});

test("a registry's own token is shown at once", async () => {
  const registry = await startRegistry({}, image);
  await clientOf([endpointOf(registry)], { auth: { registryToken: "t" } }).manifest(byTag);
  assert.deepEqual(
    registry.requests.map(({ authorization }) => authorization),
    ["Bearer t"],
  );
});

test("the token is asked for with name, service and every scope of the challenge", async () => {
  const tokens = await startRegistry({ auth: bearer });
  const registry = await challenging(
    `Bearer realm="${tokens.url}/token?kept=1",service="the service",scope="repository:a:pull repository:b:pull"`,
  );
  await assert.rejects(clientOf([endpointOf(registry)], person).manifest(byTag), { code: "UNAUTHENTICATED" });
  const [asked] = tokens.requests;
  assert.equal(asked?.query.get("service"), "the service");
  assert.equal(asked?.query.get("account"), "u");
  assert.equal(asked?.query.get("kept"), "1");
  assert.deepEqual(asked?.query.getAll("scope"), ["repository:a:pull", "repository:b:pull"]);
  // The second 401 is not answered again.
  assert.equal(tokens.requests.length, 1);
});

test("without credentials a token is asked for all the same, for the repository alone", async () => {
  const tokens = await startRegistry({ auth: bearer });
  const registry = await challenging(`Bearer realm="${tokens.url}/token"`);
  await assert.rejects(clientOf([endpointOf(registry)]).manifest(byTag), {
    code: "UNAUTHENTICATED",
    hint: /lichen login 127\.0\.0\.1:\d+/,
  });
  assert.equal(tokens.requests[0]?.query.get("scope"), "repository:lab/app:pull");
  assert.equal(tokens.requests[0]?.authorization, undefined);
});

test("a challenge that leads nowhere is told", async () => {
  for (const [header, reason] of [
    ['Bearer realm="no address"', /token realm is no address/],
    ["Bearer service=x", /token realm is no address/],
    ['Bearer realm="http://127.0.0.1:1/token"', /ECONNREFUSED/],
  ] as const) {
    const registry = await challenging(header);
    await assert.rejects(clientOf([endpointOf(registry)], person).manifest(byTag), { reason });
  }
  for (const header of ["Negotiate", ""]) {
    const registry = await challenging(header);
    await assert.rejects(clientOf([endpointOf(registry)], person).manifest(byTag), {
      code: "UNAUTHENTICATED",
    });
  }
});

test("a token server that fails, or whose answer is none, is told", async () => {
  const registry = await startRegistry({ auth: bearer }, image);
  registry.faults.push({ path: "/token", kind: "status", status: 502 });
  const client = clientOf([endpointOf(registry)], person);
  await assert.rejects(client.manifest(byTag), {
    code: "UNAUTHENTICATED",
    operation: "get token from",
    reason: /answered 502/,
  });
  registry.faults.splice(0, 1, { path: "/token", kind: "truncate" });
  await assert.rejects(client.manifest(byTag), { reason: /holds no token/ });
  registry.faults.splice(0);
  assert.ok(await client.manifest(byTag));
});

test("credentials for an https registry do not go to a token server in plain HTTP", async () => {
  const authority = makeCertificate(scratch, "authority");
  const server = makeCertificate(scratch, "server", authority);
  const tokens = await startRegistry({ auth: bearer });
  const registry = await startRegistry({ tls: server }, image);
  const headers = { "www-authenticate": `Bearer realm="${tokens.url}/token"` };
  registry.faults.push({ path: "/manifests/", kind: "status", status: 401, headers });
  const endpoint = endpointOf(registry, { authorities: [authority.cert] });
  await assert.rejects(clientOf([endpoint], person).manifest(byTag), { reason: /not sent in plain HTTP/ });
  assert.equal(tokens.requests.length, 0);
});

test("what AuthConfig holds is checked before anything is asked", async () => {
  const registry = await startRegistry({}, image);
  assert.throws(() => clientOf([endpointOf(registry)], { auth: { auth: "bm9ib2R5" } }), {
    code: "INVALID_ARGUMENT",
  });
});

test("files are read when a registry asks, by the image's name, and what is found goes along to workers", async () => {
  const registry = await startRegistry({ auth: bearer }, image);
  const places = { files: [authFile("by-name.json", "registry.example/lab")] };
  const client = clientOf([endpointOf(registry)], { places });
  await client.manifest(byTag);
  const { found } = client.state;
  assert.deepEqual(Object.values(found ?? {}), [
    { credentials: { kind: "password", username: "u", password: "p" }, source: places.files[0] },
  ]);
  // The file is gone, the token too old: the worker still can.
  rmSync(places.files[0] ?? "");
  const worker = clientOf(client.state.endpoints, { ...client.state, headers: {} });
  assert.equal((await worker.blob(configuration)).length, configuration.size);
});

test("a file that is broken does no harm to a registry that does not ask", async () => {
  const places = { files: [join(scratch, "broken.json")] };
  writeFileSync(places.files[0] ?? "", "{");
  const open = await startRegistry({}, image);
  assert.ok(await clientOf([endpointOf(open)], { places }).manifest(byTag));
  const closed = await startRegistry({ auth: bearer }, image);
  await assert.rejects(clientOf([endpointOf(closed)], { places }).manifest(byTag), {
    code: "FAILED_PRECONDITION",
    object: places.files[0],
  });
});

test("a mirror has credentials of its own name, never the registry's", async () => {
  const mirror = await startRegistry({ auth: bearer }, image);
  const endpoint = endpointOf(mirror, { origin: false });
  const registrys = { files: [authFile("registry.json", "registry.example")] };
  await assert.rejects(clientOf([endpoint], { places: registrys }).manifest(byTag), {
    code: "UNAUTHENTICATED",
  });
  const mirrors = { files: [authFile("mirror.json", `${mirror.host}/lab/app`)] };
  assert.ok(await clientOf([endpoint], { places: mirrors }).manifest(byTag));
});

test("credentials that a file has and a registry refuses are named by the file", async () => {
  const registry = await startRegistry({ auth: { ...bearer, password: "new" } }, image);
  const places = { files: [authFile("old.json", "registry.example")] };
  await assert.rejects(clientOf([endpointOf(registry)], { places }).manifest(byTag), {
    code: "UNAUTHENTICATED",
    hint: new RegExp(`credentials of ${places.files[0]} do not open it`),
  });
});

test("a refusal because of too many pulls tells how long to wait", async () => {
  const registry = await startRegistry({}, image);
  const headers = { "retry-after": "7200" };
  registry.faults.push({ path: "/manifests/", kind: "status", status: 429, headers });
  await assert.rejects(clientOf([endpointOf(registry)]).manifest(byTag), {
    code: "RESOURCE_EXHAUSTED",
    hint: /in 7200 s, with credentials, or from a mirror/,
  });
  assert.equal(registry.requests.length, 1);
});

test("a manifest without an end is not read to it", async () => {
  const registry = await startRegistry();
  registry.putManifest("lab/app", "1", { ...image, data: Buffer.alloc(5_000_000) });
  await assert.rejects(clientOf([endpointOf(registry)]).manifest(byTag), {
    code: "DATA_LOSS",
    reason: /more than 4194304 bytes/,
  });
});
