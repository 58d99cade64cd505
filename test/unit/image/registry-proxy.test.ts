import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference } from "../../../src/image/reference.ts";
import { buildImage } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import type { TestProxy } from "../../fixtures/proxy.ts";
import type { Registry } from "../../fixtures/registry.ts";
import {
  bytesOf,
  clientOf,
  endpointOf,
  network,
  startProxy,
  startRegistry,
} from "../../support/registry-client.ts";

const layer = await buildLayer([{ name: "file", content: "hello" }]);
const image = buildImage({ layers: [layer] });
const byTag = parseReference("registry.example/lab/app:1");

/** A client that finds the registry only through the proxy, at a name that nothing else resolves. */
function behind(proxy: TestProxy, registry: Registry, address = proxy.url(), none = "", connectMs?: number) {
  const endpoint = endpointOf(registry, {
    url: "http://registry.example/v2",
    ...(connectMs === undefined ? {} : { connectMs }),
  });
  return clientOf([endpoint], { network: { ...network, proxies: { http: address, https: address, none } } });
}

test("plain HTTP goes to the proxy with the whole address", async () => {
  const registry = await startRegistry({}, image);
  const proxy = await startProxy({ resolve: () => registry.host });
  const client = behind(proxy, registry);
  assert.equal((await client.manifest(byTag)).digest, image.digest);
  const bytes = await client.stream({ digest: layer.digest, size: layer.blob.length }, bytesOf);
  assert.deepEqual(bytes, Buffer.from(layer.blob));
  assert.deepEqual(proxy.requests, [
    "GET http://registry.example/v2/lab/app/manifests/1",
    `GET http://registry.example/v2/lab/app/blobs/${layer.digest}`,
  ]);
  // The registry sees its own name, and nothing of what was meant for the proxy.
  assert.equal(registry.requests[0]?.headers.host, "registry.example");
});

test("a proxy that wants credentials gets those of its address, and the registry never sees them", async () => {
  const registry = await startRegistry({}, image);
  const proxy = await startProxy({ credentials: "user:p@ss", resolve: () => registry.host });
  assert.ok(await behind(proxy, registry, proxy.url("user:p%40ss")).manifest(byTag));
  assert.equal(registry.requests[0]?.headers["proxy-authorization"], undefined);
  await assert.rejects(
    behind(proxy, registry, proxy.url("user:secret")).manifest(byTag),
    (error: Error & { hint?: string }) => {
      assert.match(error.message, /answered 407/);
      assert.match(error.hint ?? "", /HTTP_PROXY/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    },
  );
});

test("a tunnel needs the proxy's leave, and a refusal tells its status", async () => {
  const registry = await startRegistry({}, image);
  for (const [options, reason, hint] of [
    [{ credentials: "user:pass" }, /answered 407/, /HTTPS_PROXY: http:\/\/user:password@/],
    [{ connectStatus: 403 }, /answered 403/, /NO_PROXY/],
    [{ connectStatus: 0 }, /no answer within 0\.3 s/, /NO_PROXY/],
  ] as const) {
    const proxy = await startProxy(options);
    const endpoint = endpointOf(registry, { url: "https://registry.example/v2", connectMs: 300 });
    const proxies = { http: "", https: proxy.url(), none: "" };
    const client = clientOf([endpoint], { network: { ...network, proxies } });
    const object = `${proxy.url()} to registry.example:443`;
    await assert.rejects(client.manifest(byTag), { code: "UNAVAILABLE", object, reason, hint });
  }
});

test("a proxy that is not there is named", async () => {
  const registry = await startRegistry({}, image);
  const proxy = await startProxy();
  const address = proxy.url();
  await proxy.close();
  for (const url of ["http://registry.example/v2", "https://registry.example/v2"]) {
    const proxies = { http: address, https: address, none: "" };
    const client = clientOf([endpointOf(registry, { url })], { network: { ...network, proxies } });
    await assert.rejects(client.manifest(byTag), {
      code: "UNAVAILABLE",
      object: address.slice("http://".length),
      reason: /ECONNREFUSED/,
    });
  }
});

test("what NO_PROXY names, and loopback, is reached directly", async () => {
  const registry = await startRegistry({}, image);
  const proxy = await startProxy();
  const proxies = { http: proxy.url(), https: proxy.url(), none: "" };
  assert.ok(await clientOf([endpointOf(registry)], { network: { ...network, proxies } }).manifest(byTag));
  // Not through the proxy, the name leads nowhere.
  await assert.rejects(behind(proxy, registry, proxy.url(), "registry.example").manifest(byTag), {
    object: "registry.example:80",
  });
  assert.deepEqual(proxy.requests, []);
});

test("a redirect from behind the proxy to a loopback address, and back, takes the right way each time", async () => {
  const storage = await startRegistry({}, image);
  const registry = await startRegistry({}, image);
  const proxy = await startProxy({ resolve: () => registry.host });
  const location = `${storage.url}/v2/lab/app/blobs/${layer.digest}`;
  registry.faults.push({ path: layer.digest, kind: "redirect", location });
  await behind(proxy, registry).stream({ digest: layer.digest, size: layer.blob.length }, bytesOf);
  assert.equal(proxy.requests.length, 1);
  assert.equal(storage.requests.length, 1);
});
