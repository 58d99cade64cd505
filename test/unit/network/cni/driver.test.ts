import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { CniNetwork } from "../../../../src/network/cni/driver.ts";
import { podConfig } from "../../cri/rooms.ts";
import { PluginFolder } from "./plugins.ts";

let folder: PluginFolder;
let warnings: string[];
let driver: CniNetwork;
let networks: string;

beforeEach(() => {
  folder = new PluginFolder().addGiving("net", "10.5.0.2/24");
  networks = join(folder.directory, "net.d");
  mkdirSync(networks);
  define({});
  warnings = [];
  driver = open();
});
afterEach(() => folder.remove());

function define(more: object): void {
  const plugins = [
    { type: "net", capabilities: { portMappings: true, dns: true, ips: true, bandwidth: true } },
  ];
  writeFileSync(
    join(networks, "10-a.conflist"),
    JSON.stringify({ name: "a", cniVersion: "1.1.0", plugins, ...more }),
  );
}

function open(more: { template?: string } = {}): CniNetwork {
  return new CniNetwork({
    configDirectories: [networks],
    pluginDirectories: [folder.bin],
    timeoutMs: 10_000,
    directory: join(folder.directory, "data"),
    log: { warn: (_fields, message) => void warnings.push(message) },
    ...more,
  });
}

const config = podConfig({
  metadata: { name: "web", namespace: "shop", uid: "u1" },
  portMappings: [{ hostPort: 8080, containerPort: 80 }, { containerPort: 9 }],
  dnsConfig: { servers: ["10.0.0.10"] },
  annotations: { "lichen/ips": "10.5.0.9, fd00::9" },
});
const request = { sandboxId: "p1", config };
const namespace = { pid: 7, path: "/proc/7/ns/net" };

async function attach() {
  await driver.prepare(request);
  return driver.attach(request, namespace);
}

describe("a pod on a CNI network", () => {
  test("gets its addresses; plugins are told its name and what they asked for", async () => {
    assert.deepEqual(await attach(), { ips: ["10.5.0.2"], dns: undefined });
    const [add] = folder.calls;
    assert.equal(add?.command, "ADD");
    assert.equal(add?.netns, "/proc/7/ns/net");
    assert.equal(
      add?.args,
      "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=p1;K8S_POD_UID=u1",
    );
    assert.deepEqual(add?.config.runtimeConfig, {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      dns: { servers: ["10.0.0.10"], searches: [], options: [] },
      ips: ["10.5.0.9", "fd00::9"],
    });
  });

  test("is taken off the network that it was put on, once, whatever became of the file", async () => {
    await attach();
    rmSync(join(networks, "10-a.conflist"));
    await driver.detach(request, namespace);
    await driver.detach(request, undefined);
    await driver.release("p1");
    assert.deepEqual(folder.order, ["net ADD", "net DEL"]);
    assert.ok(folder.calls[1]?.config.prevResult);
    assert.deepEqual(readdirSync(join(folder.directory, "data/attachments")), []);
  });

  test("names servers where the plugin does", async () => {
    const result = {
      ips: [{ address: "10.5.0.2/24" }],
      dns: { nameservers: ["10.5.0.1"], domain: "pods.example" },
    };
    folder.add("net", `echo '${JSON.stringify(result)}'`);
    const { dns } = await attach();
    assert.deepEqual(dns, { servers: ["10.5.0.1"], searches: ["pods.example"], options: [] });
  });

  test("that cannot be attached is undone, and the failure is the plugin's", async () => {
    folder.add("net", '[ "$CNI_COMMAND" = DEL ] || { echo \'{"code":7,"msg":"full"}\'; exit 1; }');
    await assert.rejects(attach(), /full/);
    await driver.detach(request, namespace);
    await driver.release("p1");
    assert.deepEqual(readdirSync(join(folder.directory, "data/attachments")), []);
  });

  test("whose DEL fails keeps its attachment until it succeeds; gone ones are told in the log", async () => {
    await attach();
    folder.add("net", "echo stuck >&2; exit 1");
    await assert.rejects(driver.detach(request, namespace), /stuck/);
    await driver.detach(request, undefined);
    await driver.release("p1");
    assert.equal(warnings.length, 2);
    folder.add("net", "");
    await driver.release("p1");
    assert.deepEqual(readdirSync(join(folder.directory, "data/attachments")), []);
  });

  test("is checked with the result of its ADD, and what is damaged is told", async () => {
    await attach();
    await driver.verify(request, namespace);
    const check = folder.calls.at(-1);
    assert.deepEqual([check?.command, check?.netns], ["CHECK", "/proc/7/ns/net"]);
    assert.ok(check?.config.prevResult);
    folder.add("net", 'echo \'{"code":8,"msg":"address gone"}\'; exit 1');
    await assert.rejects(driver.verify(request, namespace), /address gone/);
    await assert.rejects(driver.verify({ ...request, sandboxId: "other" }, namespace), { code: "INTERNAL" });
  });

  test("without a network, or with one that is broken, is refused", async () => {
    writeFileSync(join(networks, "10-a.conflist"), "{");
    await assert.rejects(driver.prepare(request), { code: "FAILED_PRECONDITION" });
    rmSync(join(networks, "10-a.conflist"));
    await assert.rejects(driver.prepare(request), { code: "FAILED_PRECONDITION" });
  });

  test("gets its bandwidth by a plugin that has the capability, and is refused where none has", async () => {
    const annotations = { "kubernetes.io/egress-bandwidth": "10M" };
    const limited = { ...request, config: { ...config, annotations } };
    await driver.prepare(limited);
    await driver.attach(limited, namespace);
    const told = folder.calls[0]?.config.runtimeConfig as { bandwidth: object } | undefined;
    assert.deepEqual(told?.bandwidth, { egressRate: 10_000_000, egressBurst: 2_147_483_647 });
    define({ plugins: [{ type: "net" }] });
    for (const asked of [annotations, { "lichen/ips": "10.5.0.9" }]) {
      const refused = { sandboxId: "p2", config: { ...config, annotations: asked } };
      await assert.rejects(driver.prepare(refused), { code: "FAILED_PRECONDITION" });
    }
    const nonsense = { "kubernetes.io/ingress-bandwidth": "fast" };
    assert.throws(() => driver.check({ ...config, annotations: nonsense }), { code: "INVALID_ARGUMENT" });
  });

  test("with a name that CNI cannot carry, or asking for no address, is refused before", () => {
    driver.check(config);
    const metadata = { name: "a;K8S_POD_UID=x", namespace: "n", uid: "u", attempt: 0 };
    assert.throws(() => driver.check({ ...config, metadata }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => driver.check({ ...config, annotations: { "lichen/ips": "10.5.0" } }), {
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("the state of a CNI network", () => {
  test("follows the files and what plugins say", async () => {
    assert.equal(driver.state().ready, false);
    await driver.refresh();
    assert.deepEqual(driver.state(), { ready: true, reason: "", message: "" });
    folder.add("net", 'echo \'{"code":50,"msg":"no lease server"}\'; exit 1');
    await driver.refresh();
    assert.equal(driver.state().reason, "PluginNotReady");
    assert.match(driver.state().message, /no lease server/);
    rmSync(join(networks, "10-a.conflist"));
    await driver.refresh();
    assert.equal(driver.state().reason, "NetworkNotConfigured");
  });
});

describe("after a restart", () => {
  test("pods that are gone are taken off, and plugins collect what no living pod has", async () => {
    await attach();
    await driver.prepare({ ...request, sandboxId: "p2" });
    driver = open();
    await driver.recover(["p1"]);
    assert.deepEqual(folder.order, ["net ADD", "net DEL", "net STATUS", "net GC"]);
    const [, del, , gc] = folder.calls;
    assert.deepEqual([del?.containerId, del?.netns], ["p2", ""]);
    assert.deepEqual(gc?.config["cni.dev/valid-attachments"], [{ containerID: "p1", ifname: "eth0" }]);
  });
});

describe("the cluster's pod CIDR", () => {
  const template = () => {
    const path = join(folder.directory, "template");
    writeFileSync(
      path,
      '{"name":"made","cniVersion":"1.0.0","plugins":[{"type":"net","ranges":[{{range $i,$r := .PodCIDRRanges}}{{if $i}},{{end}}"{{$r}}"{{end}}],"routes":[{{range $i, $r := .Routes}}{{if $i}},{{end}}"{{$r}}"{{end}}]}]}',
    );
    return path;
  };
  const made = () => join(networks, "10-lichen-net.conflist");

  test("makes the network's file from the template when there is no network yet", async () => {
    rmSync(join(networks, "10-a.conflist"));
    driver = open({ template: template() });
    await driver.usePodCidrs(["10.6.0.0/24", "fd00:6::/64"]);
    const { plugins } = JSON.parse(readFileSync(made(), "utf8"));
    assert.deepEqual(plugins[0].ranges, ["10.6.0.0/24", "fd00:6::/64"]);
    assert.deepEqual(plugins[0].routes, ["0.0.0.0/0", "::/0"]);
    assert.equal(driver.state().ready, true);
  });

  test("changes nothing where a network is, or without a template", async () => {
    driver = open({ template: template() });
    await driver.usePodCidrs(["10.6.0.0/24"]);
    rmSync(join(networks, "10-a.conflist"));
    driver = open();
    await driver.usePodCidrs(["10.6.0.0/24"]);
    assert.ok(!existsSync(made()));
  });

  test("with a template that makes no network fails and leaves no file", async () => {
    rmSync(join(networks, "10-a.conflist"));
    const path = template();
    writeFileSync(path, '{"name":"{{.PodCIDR}}"}');
    driver = open({ template: path });
    await assert.rejects(driver.usePodCidrs(["10.6.0.0/24"]), { code: "FAILED_PRECONDITION" });
    assert.deepEqual(readdirSync(networks), []);
    driver = open({ template: join(folder.directory, "missing") });
    await assert.rejects(driver.usePodCidrs(["10.6.0.0/24"]), /missing.*ENOENT/);
  });
});
