import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { count } from "../../support/leaks.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

// Networks as people have them, good and bad, with CNI's own plugins and with programs that only claim to be one.

const directory = mkdtempSync(join(tmpdir(), "lichen-cni-"));
const networks = join(directory, "net.d");
const programs = join(directory, "bin");
const distribution = ["/usr/lib/cni", "/opt/cni/bin"].find((folder) => existsSync(join(folder, "bridge")));
const skip = distribution ? false : "no CNI plugins (package containernetworking-plugins)";

const hostLocal = (subnet: string) => ({
  type: "host-local",
  ranges: [[{ subnet }]],
  routes: [{ dst: "0.0.0.0/0" }],
});

function define(plugins: object[], more: object = {}): void {
  const list = { cniVersion: "1.0.0", name: "tested", plugins, ...more };
  writeFileSync(join(networks, "10-tested.conflist"), JSON.stringify(list));
}

/** A program of this name in the plugins' directory: a shell script. */
function program(name: string, script: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
}

describe("CNI networks", { skip }, () => {
  let node: LichenNode;
  let image: string;

  before(async () => {
    mkdirSync(networks);
    mkdirSync(programs);
    const config = `[network]
driver = "cni"
cni_config_directories = ["${networks}"]
cni_plugin_directories = ["${programs}", "${distribution}"]
cni_timeout_seconds = 2
cni_template = "${join(directory, "template")}"
`;
    node = await startNode({ config });
    image = await pullBusybox(node);
  });
  afterEach(async () => {
    const { items } = await node.client.listPodSandbox({});
    for (const { id } of items) await node.client.removePodSandbox({ podSandboxId: id });
    for (const name of readdirSync(networks)) rmSync(join(networks, name));
  });
  after(async () => {
    await node?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const networkCondition = async () => {
    const { status } = await node.client.status({});
    return status?.conditions.find(({ type }) => type === "NetworkReady");
  };
  const attachments = () => readdirSync(join(node.dataDir, "cni/attachments"));
  const leases = () => {
    const place = join(node.dataDir, "cni/plugins/networks/tested");
    return existsSync(place) ? readdirSync(place).filter((name) => /^\d/.test(name)) : [];
  };

  test("host-local keeps its addresses in the data directory when the file names no other", async () => {
    define([{ type: "bridge", bridge: "cni-a0", isGateway: true, ipam: hostLocal("10.214.0.0/29") }]);
    const pods = [await runPod(node, "a"), await runPod(node, "b")];
    assert.equal(leases().length, 2);
    for (const { id } of pods) await node.client.removePodSandbox({ podSandboxId: id });
    assert.deepEqual([leases(), attachments()], [[], []]);
  });

  test("a range that is used up is told, and nothing of the pod stays", async () => {
    define([{ type: "bridge", bridge: "cni-b0", isGateway: true, ipam: hostLocal("10.215.0.0/30") }]);
    await runPod(node, "only");
    const before = count(node);
    await assert.rejects(runPod(node, "one-more"), /no IP addresses available/);
    await eventually(() => {
      const now = count(node);
      assert.deepEqual({ ...now, fds: 0 }, { ...before, fds: 0 });
      assert.ok(now.fds <= before.fds, `${now.fds} descriptors, ${before.fds} before`);
    });
    assert.equal(attachments().length, 1);
  });

  test("flannel's subnet file: the plugin reads it and hands on to bridge", async () => {
    // What flannel's own plugin does (github.com/flannel-io/cni-plugin), without its cache: subnet.env to a bridge with host-local.
    const subnet = join(directory, "subnet.env");
    const settings = ["NETWORK=10.216.0.0/16", "SUBNET=10.216.7.1/24", "MTU=1400", "IPMASQ=true"];
    writeFileSync(subnet, settings.map((line) => `FLANNEL_${line}\n`).join(""));
    program(
      "flannel",
      `. "${subnet}"
ipam=$(printf '{"type":"host-local","subnet":"%s0/24","dataDir":"${directory}/flannel","routes":[{"dst":"%s"}]}' "\${FLANNEL_SUBNET%1/*}" "$FLANNEL_NETWORK")
printf '{"cniVersion":"1.0.0","name":"tested","type":"bridge","bridge":"cni-f0","mtu":%s,"isGateway":true,"ipam":%s}' "$FLANNEL_MTU" "$ipam" | "${distribution}/bridge"`,
    );
    define([{ type: "flannel", delegate: { isDefaultGateway: true } }]);
    const pod = await runPod(node, "flannel");
    const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
    assert.match(status?.network?.ip ?? "", /^10\.216\.7\.\d+$/);
    const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000");
    const { stdout } = await node.client.execSync({
      containerId,
      cmd: ["cat", "/sys/class/net/eth0/mtu"],
      timeout: 9,
    });
    assert.equal(Buffer.from(stdout).toString().trim(), "1400");
  });

  test("the network's names reach the pod's resolv.conf", async () => {
    define([
      {
        type: "bridge",
        bridge: "cni-c0",
        ipam: hostLocal("10.217.0.0/24"),
        dns: { nameservers: ["10.217.0.53"], search: ["pods.example"], options: ["ndots:3"] },
      },
    ]);
    const pod = await runPod(node, "dns");
    const text = readFileSync(join(node.runtimeDir, "pods", pod.id.slice(0, 16), "resolv.conf"), "utf8");
    assert.equal(text, "search pods.example\nnameserver 10.217.0.53\noptions ndots:3\n");
  });

  test("the cluster's pod CIDR makes a network from the template", async () => {
    await eventually(async () => assert.equal((await networkCondition())?.reason, "NetworkNotConfigured"));
    writeFileSync(
      join(directory, "template"),
      '{"cniVersion":"1.0.0","name":"tested","plugins":[{"type":"bridge","bridge":"cni-t0","ipam":{"type":"host-local","ranges":[{{range $i, $range := .PodCIDRRanges}}{{if $i}}, {{end}}[{"subnet": "{{$range}}"}]{{end}}]}}]}',
    );
    await node.client.updateRuntimeConfig({
      runtimeConfig: { networkConfig: { podCidr: "10.218.4.0/24" } },
    });
    assert.equal((await networkCondition())?.status, true);
    const pod = await runPod(node, "cidr");
    const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
    assert.match(status?.network?.ip ?? "", /^10\.218\.4\.\d+$/);
  });

  for (const [what, script, reason] of [
    ["hangs", "echo waiting >&2; sleep 100", /after 2 s and was killed.*waiting/s],
    ["prints rubbish", "echo hello", /no JSON: "hello/],
    ["prints nothing", "exit 0", /printed no result/],
    [
      "exits with 1 and an error of its own",
      `echo '{"code":7,"msg":"no carrier"}'; exit 1`,
      /no carrier \(code 7\)/,
    ],
    [
      "exits with 1 and words on standard error",
      "echo 'cannot do it' >&2; exit 1",
      /ended with 1; it wrote: cannot do it/,
    ],
    ["gives no address", `echo '{"cniVersion":"1.0.0","ips":[]}'`, /names no address/],
  ] as const) {
    test(`a plugin that ${what} fails the pod with that reason, and nothing stays`, async () => {
      program("odd", `[ "$CNI_COMMAND" = ADD ] || exit 0\n${script}`);
      define([
        { type: "bridge", bridge: "cni-o0", isGateway: true, ipam: hostLocal("10.219.0.0/24") },
        { type: "odd" },
      ]);
      await assert.rejects(runPod(node, "odd"), reason);
      assert.deepEqual((await node.client.listPodSandbox({})).items, []);
      assert.deepEqual([attachments(), leases()], [[], []]);
      await eventually(() =>
        assert.deepEqual(
          count(node).links.filter((name) => name.startsWith("veth")),
          [],
        ),
      );
    });
  }

  for (const [what, text, reason] of [
    ["is no JSON", "{", /10-tested\.conflist: it is not JSON/],
    ["has no plugins", '{"name":"tested","cniVersion":"1.0.0","plugins":[]}', /"plugins" must be a list/],
    [
      "names a plugin that is not there",
      '{"name":"tested","cniVersion":"1.0.0","plugins":[{"type":"absent"}]}',
      /absent: no executable/,
    ],
  ] as const) {
    test(`a file that ${what} makes the network not ready, and pods are refused with that reason`, async () => {
      writeFileSync(join(networks, "10-tested.conflist"), text);
      await assert.rejects(runPod(node, "broken"), reason);
      await eventually(async () => {
        const condition = await networkCondition();
        assert.equal(condition?.status, false);
        assert.match(condition?.message ?? "", reason);
      });
      assert.deepEqual(attachments(), []);
    });
  }

  test("a daemon that comes back tells of pods whose network was damaged meanwhile", async () => {
    define([{ type: "bridge", bridge: "cni-v0", isGateway: true, ipam: hostLocal("10.221.0.0/24") }]);
    const pod = await runPod(node, "damaged");
    const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
    const monitor = JSON.parse(info.info ?? "{}").pid;
    const unplug = [
      "enter",
      "--",
      "nsenter",
      `--net=/proc/${monitor}/ns/net`,
      "ip",
      "addr",
      "flush",
      "dev",
      "eth0",
    ];
    assert.deepEqual(await node.lichen(...unplug), { status: 0, stdout: "", stderr: "" });
    const daemon = node.daemonPid();
    process.kill(daemon, "SIGKILL");
    await eventually(() => assert.notEqual(node.daemonPid(), daemon));
    await node.ready();
    await eventually(() => assert.match(node.log(), /the pod's network is damaged/));
    assert.match(node.log(), /CNI CHECK by bridge/);
  });

  test("a pod is taken off the network also when its plugin is gone, as soon as that is back", async () => {
    program(
      "fleeting",
      `[ "$CNI_COMMAND" != ADD ] || echo '{"cniVersion":"1.0.0","ips":[{"address":"10.220.0.2/24"}]}'`,
    );
    define([{ type: "fleeting" }]);
    const pod = await runPod(node, "fleeting");
    rmSync(join(programs, "fleeting"));
    await assert.rejects(node.client.stopPodSandbox({ podSandboxId: pod.id }), /fleeting: no executable/);
    program("fleeting", "exit 0");
    await node.client.stopPodSandbox({ podSandboxId: pod.id });
    assert.deepEqual(attachments(), []);
  });
});
