import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseReference } from "../../../src/image/reference.ts";
import { systemAuthorities } from "../../../src/image/registry/tls.ts";
import { makeCertificate } from "../../fixtures/certificates.ts";
import { buildImage } from "../../fixtures/image.ts";
import { clientOf, endpointOf, network, startProxy, startRegistry } from "../../support/registry-client.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-tls-"));
after(() => rmSync(scratch, { recursive: true }));

const authority = makeCertificate(scratch, "authority");
const server = makeCertificate(scratch, "server", authority);
const named = makeCertificate(scratch, "named", authority, ["DNS:registry.example"]);
const person = makeCertificate(scratch, "person", authority);
const stranger = makeCertificate(scratch, "stranger", makeCertificate(scratch, "other-authority"));

const image = buildImage({ layers: [] });
const byTag = parseReference("registry.example/lab/app:1");
const trust = { authorities: [authority.cert] };
const shown = (one: typeof person) => ({ clientCertificates: [{ certificate: one.cert, key: one.key }] });

test("a registry whose authority is given is trusted; by its name and by its address", async () => {
  for (const name of ["127.0.0.1", "localhost"]) {
    const registry = await startRegistry({ tls: server }, image);
    const url = registry.url.replace("127.0.0.1", name);
    const client = clientOf([endpointOf(registry, { url: `${url}/v2`, ...trust })]);
    assert.equal((await client.manifest(byTag)).digest, image.digest);
  }
});

test("one that nobody vouches for is not, and the hint says what to do", async () => {
  const registry = await startRegistry({ tls: server }, image);
  await assert.rejects(clientOf([endpointOf(registry)]).manifest(byTag), {
    code: "UNAVAILABLE",
    operation: "secure connection to",
    object: registry.host,
    reason: /certificate|self.signed|issuer/,
    hint: /`ca` in certs\.d/,
  });
  assert.equal(registry.requests.length, 0);
});

test("a certificate for another name is refused", async () => {
  const registry = await startRegistry({ tls: named }, image);
  await assert.rejects(clientOf([endpointOf(registry, trust)]).manifest(byTag), {
    code: "UNAVAILABLE",
    reason: /does not match|not in the cert/,
  });
});

test("skip_verify takes every certificate", async () => {
  const registry = await startRegistry({ tls: named }, image);
  const client = clientOf([endpointOf(registry, { skipVerify: true })]);
  assert.equal((await client.manifest(byTag)).digest, image.digest);
});

test("a registry that wants to know who asks is shown the client certificate", async () => {
  const registry = await startRegistry({ tls: { ...server, ca: authority.cert } }, image);
  const with_ = clientOf([endpointOf(registry, { ...trust, ...shown(person) })]);
  assert.equal((await with_.manifest(byTag)).digest, image.digest);
  for (const edit of [{}, shown(stranger)])
    await assert.rejects(clientOf([endpointOf(registry, { ...trust, ...edit })]).manifest(byTag), {
      code: "UNAVAILABLE",
    });
});

test("https to a server of plain http says so, and what to write where", async () => {
  const registry = await startRegistry({}, image);
  const url = `https://${registry.host}/v2`;
  await assert.rejects(clientOf([endpointOf(registry, { url })]).manifest(byTag), {
    code: "UNAVAILABLE",
    hint: /plain HTTP.*plain_http/,
  });
});

test("a handshake that never ends is given up; so is one that is cut off", async () => {
  for (const silent of [true, false]) {
    const dumb = createServer((socket) => {
      socket.on("error", () => {});
      if (!silent) socket.destroy();
    });
    await new Promise<void>((resolve) => dumb.listen(0, "127.0.0.1", resolve));
    const { port } = dumb.address() as { port: number };
    const registry = await startRegistry();
    const url = `https://127.0.0.1:${port}/v2`;
    const client = clientOf([endpointOf(registry, { url, connectMs: 300 })]);
    await assert.rejects(client.manifest(byTag), {
      code: "UNAVAILABLE",
      reason: silent ? /no answer within 0\.3 s/ : /closed|reset|disconnected/i,
    });
    dumb.close();
  }
});

test("a token server and storage on other hosts are trusted by the same authorities", async () => {
  const storage = await startRegistry({ tls: server }, image);
  const registry = await startRegistry({ tls: server }, image);
  const location = `${storage.url}/v2/lab/app/blobs/${image.id}`;
  registry.faults.push({ path: image.id, kind: "redirect", location });
  const client = clientOf([endpointOf(registry, trust)]);
  const size = image.blobs.get(image.id)?.length ?? 0;
  assert.equal((await client.blob({ digest: image.id, size })).length, size);
});

test("a registry that sends its visitors on from http to https still gets the credentials", async () => {
  const auth = { scheme: "basic", username: "u", password: "p" } as const;
  const secure = await startRegistry({ tls: named, auth }, image);
  const plain = await startRegistry({ auth }, image);
  plain.faults.push({
    path: "/v2/",
    kind: "redirect",
    location: "https://registry.example/v2/lab/app/manifests/1",
  });
  const forward = await startProxy({ resolve: () => plain.host });
  const tunnel = await startProxy({ resolve: () => secure.host });
  const proxies = { http: forward.url(), https: tunnel.url(), none: "" };
  const endpoint = endpointOf(plain, { url: "http://registry.example/v2", ...trust });
  const client = clientOf([endpoint], {
    network: { ...network, proxies },
    auth: { username: "u", password: "p" },
  });
  assert.equal((await client.manifest(byTag)).digest, image.digest);
});

test("through a proxy's tunnel the registry itself is spoken to, and its certificate checked", async () => {
  const registry = await startRegistry({ tls: named }, image);
  const proxy = await startProxy({ resolve: () => registry.host });
  const proxies = { http: "", https: proxy.url(), none: "" };
  const edit = { network: { ...network, proxies } };
  const url = "https://registry.example/v2";
  const client = clientOf([endpointOf(registry, { url, ...trust })], edit);
  assert.equal((await client.manifest(byTag)).digest, image.digest);
  assert.deepEqual(proxy.requests, ["CONNECT registry.example:443"]);
  const other = clientOf([endpointOf(registry, { url: "https://other.example/v2", ...trust })], edit);
  await assert.rejects(other.manifest(byTag), { reason: /does not match|not in the cert/ });
});

test("a proxy that itself speaks https must be one that the system trusts", async () => {
  const registry = await startRegistry({ tls: named }, image);
  const proxy = await startProxy({ tls: server, resolve: () => registry.host });
  const edit = { network: { ...network, proxies: { http: "", https: proxy.url(), none: "" } } };
  const endpoint = endpointOf(registry, { url: "https://registry.example/v2", ...trust });
  await assert.rejects(clientOf([endpoint], edit).manifest(byTag), { operation: "secure connection to" });
  process.env.SSL_CERT_FILE = authority.certFile;
  try {
    assert.equal((await clientOf([endpoint], edit).manifest(byTag)).digest, image.digest);
  } finally {
    delete process.env.SSL_CERT_FILE;
  }
});

test("the system's authorities are those of SSL_CERT_FILE, or of the distribution, or Node's own", () => {
  const file = join(scratch, "bundle.pem");
  writeFileSync(file, authority.cert);
  assert.deepEqual(systemAuthorities({ SSL_CERT_FILE: file }), [authority.cert]);
  assert.ok(systemAuthorities({})[0]?.includes("-----BEGIN CERTIFICATE-----"));
});
