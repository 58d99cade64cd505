/** Registries, proxies and clients of them for unit tests; everything is closed when the test file ends. */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after } from "node:test";
import { type ClientState, RegistryClient } from "../../src/image/registry/client.ts";
import type { Endpoint } from "../../src/image/registry/hosts.ts";
import { defaultTls } from "../../src/image/registry/tls.ts";
import { defaultNetwork, type NetworkSettings } from "../../src/image/registry/transport.ts";
import type { BuiltImage } from "../fixtures/image.ts";
import { type ProxyOptions, TestProxy } from "../fixtures/proxy.ts";
import { Registry, type RegistryOptions } from "../fixtures/registry.ts";

const closing: { close(): Promise<void> }[] = [];
after(() => Promise.all(closing.map((one) => one.close())));

function toClose<T extends { close(): Promise<void> }>(one: T): T {
  closing.push(one);
  return one;
}

/** A registry with these images as lab/app:1. */
export async function startRegistry(
  options: RegistryOptions = {},
  ...images: BuiltImage[]
): Promise<Registry> {
  const registry = toClose(await Registry.start(options));
  for (const one of images) registry.push("lab/app", one, "1");
  return registry;
}

export async function startProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  return toClose(await TestProxy.start(options));
}

export const endpointOf = (registry: Registry, edit: Partial<Endpoint> = {}): Endpoint => ({
  url: `${registry.url}/v2`,
  origin: true,
  capabilities: { resolve: true, pull: true },
  headers: {},
  ...defaultTls,
  ...edit,
});

/** Patient enough for a slow machine, and quick to try again. */
export const network: NetworkSettings = { ...defaultNetwork, stallMs: 20_000, retryMs: 1 };

/** A client of registry.example/lab/app. */
export function clientOf(endpoints: Endpoint[], edit: Partial<ClientState> = {}): RegistryClient {
  const names = { registry: "registry.example", repository: "lab/app" };
  return toClose(new RegistryClient({ endpoints, ...names, headers: {}, network, ...edit }));
}

export const bytesOf = (body: AsyncIterable<Uint8Array>): Promise<Buffer> => buffer(Readable.from(body));
