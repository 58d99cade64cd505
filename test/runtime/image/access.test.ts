/** What a person has already set up (credentials, helpers, proxies, certificates) counts for the real daemon in its namespaces. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { type Certificate, makeCertificate } from "../../fixtures/certificates.ts";
import { type BuiltImage, buildImage } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import { TestProxy } from "../../fixtures/proxy.ts";
import { Registry, type RegistryOptions } from "../../fixtures/registry.ts";
import { capture } from "../../support/capture.ts";
import { putHelper } from "../../support/credential-helper.ts";
import { dist, type LichenNode, startNode } from "../../support/node.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-access-"));
const config = join(base, "docker/config.json");
const open: { close(): Promise<void> }[] = [];
let node: LichenNode;
let image: BuiltImage;
let server: Certificate;
let person: Certificate;
let authority: Certificate;
let proxy: TestProxy;
/** Where the proxy finds every name in .example. */
let behindProxy = "";

async function start(options: RegistryOptions = {}): Promise<Registry> {
  const registry = await Registry.start(options);
  open.push(registry);
  registry.push("lab/app", image, "1");
  return registry;
}

before(async () => {
  image = buildImage({ layers: [await buildLayer([{ name: "file", content: "hello" }])] });
  authority = makeCertificate(base, "authority");
  server = makeCertificate(base, "server", authority, ["IP:127.0.0.1", "DNS:registry.example"]);
  person = makeCertificate(base, "person", authority);
  proxy = await TestProxy.start({ credentials: "user:pass", resolve: () => behindProxy });
  open.push(proxy);
  mkdirSync(join(base, "docker"));
  mkdirSync(join(base, "certs.d"));
  const { REGISTRY_AUTH_FILE: _, ...rest } = process.env;
  node = await startNode({
    config: `[images]\ncerts_directories = [${JSON.stringify(join(base, "certs.d"))}]\n`,
    env: {
      ...rest,
      DOCKER_CONFIG: join(base, "docker"),
      PATH: `${base}:${process.env.PATH}`,
      HTTPS_PROXY: proxy.url("user:pass"),
      HTTP_PROXY: proxy.url("user:pass"),
    },
  });
});
after(async () => {
  await node?.stop();
  await Promise.all(open.map((one) => one.close()));
  rmSync(base, { recursive: true });
});
beforeEach(async () => {
  for (const { id } of (await node.client.listImages({})).images)
    await node.client.removeImage({ image: { image: id } });
});

const pull = (name: string) => node.client.pullImage({ image: { image: `${name}/lab/app:1` } });

/** certs.d/HOST/hosts.toml, read at the next pull. */
function putHosts(host: string, text: string): void {
  mkdirSync(join(base, "certs.d", host), { recursive: true });
  writeFileSync(join(base, "certs.d", host, "hosts.toml"), text);
}

const auth = { scheme: "bearer", username: "me", password: "pass" } as const;

test("credentials of docker's file open a private repository, without a restart", async () => {
  const registry = await start({ auth });
  rmSync(config, { force: true });
  await assert.rejects(pull(registry.host), { details: /401.*lichen login 127\.0\.0\.1/ });
  const entry = { auth: Buffer.from("me:pass").toString("base64") };
  writeFileSync(config, JSON.stringify({ auths: { [`${registry.host}/lab`]: entry } }));
  assert.equal((await pull(registry.host)).imageRef, image.id);
});

test("those that came with the pull count in their place", async () => {
  const registry = await start({ auth });
  const entry = { auth: Buffer.from("me:pass").toString("base64") };
  writeFileSync(config, JSON.stringify({ auths: { [registry.host]: entry } }));
  const request = { image: { image: `${registry.host}/lab/app:1` } };
  await assert.rejects(node.client.pullImage({ ...request, auth: { username: "me", password: "no" } }), {
    details: /401.*credentials of the pull do not open it/,
  });
});

test("a helper sees the person's own ids and three descriptors, and is asked once for all layers", async () => {
  const registry = await start({ auth });
  const seen = join(base, "seen");
  putHelper(
    base,
    "spy",
    `cat >/dev/null
     echo "$(id -u) $(id -g) $(ls /proc/self/fd | tr '\\n' ' ')" >>${seen}
     echo '{"Username":"me","Secret":"pass"}'`,
  );
  writeFileSync(config, JSON.stringify({ credHelpers: { [registry.host]: "spy" } }));
  await pull(registry.host);
  assert.equal(readFileSync(seen, "utf8"), `${process.getuid?.()} ${process.getgid?.()} 0 1 2 3 \n`);
});

test("a helper that is missing is named by the pull that needs it, and only by that", async () => {
  writeFileSync(config, JSON.stringify({ credsStore: "nowhere" }));
  await assert.rejects(pull((await start({ auth })).host), {
    details: /docker-credential-nowhere: there is no such program in PATH \(install it/,
  });
  await pull((await start()).host);
});

test("a registry that wants a client certificate gets that of hosts.toml", async () => {
  const registry = await start({ tls: { ...server, ca: authority.cert } });
  const { certFile, keyFile } = person;
  putHosts(registry.host, `server = "${registry.url}"\nca = "${authority.certFile}"\n`);
  await assert.rejects(pull(registry.host), { details: /127\.0\.0\.1/ });
  putHosts(
    registry.host,
    `server = "${registry.url}"\nca = "${authority.certFile}"\nclient = [["${certFile}", "${keyFile}"]]\n`,
  );
  assert.equal((await pull(registry.host)).imageRef, image.id);
});

test("registries are reached through the proxy of the environment, in both schemes, with its credentials", async () => {
  for (const tls of [true, false]) {
    const registry = await start(tls ? { tls: server } : {});
    behindProxy = registry.host;
    const scheme = tls ? "https" : "http";
    putHosts("registry.example", `server = "${scheme}://registry.example"\nca = "${authority.certFile}"\n`);
    proxy.requests.length = 0;
    assert.equal((await pull("registry.example")).imageRef, image.id);
    const through = proxy.requests.filter((line) =>
      line.startsWith(tls ? "CONNECT registry.example:443" : "GET http://registry.example/v2/lab/app/"),
    );
    assert.ok(through.length >= 2, proxy.requests.join("\n"));
    await node.client.removeImage({ image: { image: image.id } });
  }
});

test("lichen login makes the next pull work", async () => {
  const registry = await start({ auth });
  writeFileSync(config, "{}");
  await assert.rejects(pull(registry.host), { details: /401/ });
  const environment = {
    ...process.env,
    DOCKER_CONFIG: join(base, "docker"),
    XDG_RUNTIME_DIR: "",
    HOME: base,
  };
  const args = ["login", "-u", "me", "--password-stdin", registry.host];
  const { status, stderr } = await capture(join(dist, "lichen"), args, environment, "pass");
  assert.equal(status, 0, stderr);
  assert.equal((await pull(registry.host)).imageRef, image.id);
});
