import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { NamespaceMode } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

/** A way of giving pods a network, and what is to be expected of it. */
export interface DriverUnderTest {
  name: string;
  /** The node's config.toml. */
  config: string;
  /** What the pods' addresses look like; undefined where they have none. */
  addresses: RegExp | undefined;
  /** Pods are asked for with the node's network. */
  nodeNetwork?: boolean;
  /** What the driver holds for pods somewhere else than in the node's links; empty when no pod is there. */
  held?: () => string[];
  /** Why it cannot be tried here, or false. */
  skip?: string | false;
}

/** What every driver has to do, whatever it is (src/network/driver.ts). */
export function driverSuite(driver: DriverUnderTest): void {
  describe(`network driver ${driver.name}`, { skip: driver.skip ?? false }, () => {
    let node: LichenNode;
    let image: string;
    let emptyLinks: string[];
    const pods: TestPod[] = [];

    before(async () => {
      node = await startNode({ config: driver.config });
      image = await pullBusybox(node);
      emptyLinks = podLinks(node);
    });
    after(() => node?.stop());

    const options = { network: driver.nodeNetwork ? NamespaceMode.NODE : NamespaceMode.POD };
    const up = (name: string) =>
      runPod(node, name, { linux: { securityContext: { namespaceOptions: options } } });
    const remove = (pod: TestPod) => node.client.removePodSandbox({ podSandboxId: pod.id });
    const addressOf = async (pod: TestPod) =>
      (await node.client.podSandboxStatus({ podSandboxId: pod.id })).status?.network?.ip ?? "";

    async function shellIn(pod: TestPod, script = "exec sleep 1000") {
      const containerId = await runContainer(node, pod, image, "main", script);
      return async (command: string) => {
        const cmd = ["sh", "-c", command];
        const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 20 });
        return Buffer.from(stdout).toString().trim();
      };
    }

    /** Interfaces and whatever else is held for pods: gone a moment after the last pod. */
    async function expectNothingHeld(): Promise<void> {
      await eventually(() => {
        assert.deepEqual(podLinks(node), emptyLinks);
        assert.deepEqual(driver.held?.() ?? [], []);
      });
    }

    test("says that the network is ready", async () => {
      await eventually(async () => {
        const { status } = await node.client.status({});
        const condition = status?.conditions.find(({ type }) => type === "NetworkReady");
        assert.equal(condition?.status, true, condition?.message);
      });
    });

    test("many pods at once get addresses of their own, and loopback works in them", async () => {
      const names = ["a", "b", "c", "d", "e", "f", "g", "h"].map((letter) => `many-${letter}`);
      const many = await Promise.all(names.map(up));
      const addresses = await Promise.all(many.map(addressOf));
      if (driver.addresses) {
        for (const address of addresses) assert.match(address, driver.addresses);
        assert.equal(new Set(addresses).size, many.length);
      } else {
        assert.deepEqual([...new Set(addresses)], [""]);
      }
      const sh = await shellIn(many[0] as TestPod);
      assert.match(await sh("ping -c 1 -W 5 127.0.0.1"), /1 packets received/);
      await Promise.all(many.map(remove));
      await expectNothingHeld();
    });

    const withAddresses = driver.addresses ? test : () => {};
    withAddresses("two pods reach each other, each under the address that its status tells", async () => {
      const server = await up("server");
      pods.push(server, await up("client"));
      await shellIn(server, "exec httpd -f -p 80 -h /etc");
      const address = await addressOf(server);
      const client = await shellIn(pods[1] as TestPod);
      await eventually(async () => {
        assert.equal(await client(`wget -qO- http://${address}/hostname`), "server");
      });
      assert.match(await client("ip route"), /^default via /m);
    });

    test("pods keep their network when the daemon dies; new ones get other addresses", async () => {
      const before = await Promise.all(pods.map(addressOf));
      const daemon = node.daemonPid();
      process.kill(daemon, "SIGKILL");
      await eventually(() => assert.notEqual(node.daemonPid(), daemon));
      await node.ready();
      assert.deepEqual(await Promise.all(pods.map(addressOf)), before);
      const late = await up("late");
      assert.ok(!driver.addresses || !before.includes(await addressOf(late)));
      pods.push(late);
    });

    test("stop and remove may be repeated, and leave nothing", async () => {
      for (const pod of pods) {
        await node.client.stopPodSandbox({ podSandboxId: pod.id });
        await node.client.stopPodSandbox({ podSandboxId: pod.id });
      }
      await expectNothingHeld();
      for (const pod of pods) {
        await remove(pod);
        await remove(pod);
      }
    });

    test("a pod whose monitor is killed while no daemon runs leaves nothing after the next start", async () => {
      const pod = await up("orphan");
      const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
      const monitor = Number(JSON.parse(info.info ?? "{}").pid);
      const daemon = node.daemonPid();
      process.kill(daemon, "SIGKILL");
      process.kill(monitor, "SIGKILL");
      await eventually(() => assert.notEqual(node.daemonPid(), daemon));
      await node.ready();
      await expectNothingHeld();
      await remove(pod);
    });
  });
}

/** Interfaces in the node's network that stand for pods: not bridges, loopback or the uplink. */
function podLinks(node: LichenNode): string[] {
  return readFileSync(`/proc/${node.daemonPid()}/net/dev`, "utf8")
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0]?.trim() ?? "")
    .filter((name) => /^(lc|veth)/.test(name))
    .sort();
}
