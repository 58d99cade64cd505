import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { NamespaceMode } from "#cri";
import { type Inspection, inspectorImage } from "../../fixtures/image-inspector.ts";
import { Registry } from "../../fixtures/registry.ts";
import { expected, probesOf, type Surroundings, told } from "../../support/config-oracle.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { exited, logOf, runPod, type TestPod } from "../../support/pods.ts";
import { toConfig, type Wish, wishes } from "../../support/random-config.ts";

// Random configurations, right and wrong: what a container tells about itself is compared with what was wished, by an oracle that
// knows nothing of lichen's code; what is wrong is refused with the right code and leaves nothing.

const number = Number(process.env.LICHEN_RANDOM_CONFIGS ?? (process.env.LICHEN_LONG_TESTS ? 5000 : 500));
const seed = Number(process.env.LICHEN_RANDOM_SEED ?? Date.now() % 2 ** 31);
const atOnce = 4;

let node: LichenNode;
let image: string;
const sources = { directory: "", file: "" };
before(async () => {
  node = await startNode();
  const registry = await Registry.start();
  registry.push("library/inspector", await inspectorImage(), "latest");
  image = `${registry.host}/library/inspector:latest`;
  await node.client.pullImage({ image: { image } });
  sources.directory = join(node.base, "directory");
  sources.file = join(node.base, "file");
  mkdirSync(sources.directory);
  chmodSync(sources.directory, 0o777);
  writeFileSync(sources.file, "text");
  chmodSync(sources.file, 0o666);
});
after(() => node.stop());

async function surroundings(pod: TestPod): Promise<Surroundings> {
  const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
  const monitor = JSON.parse(info.info ?? "{}").pid;
  const names = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
  const limits = readFileSync(`/proc/${node.launcherPid}/limits`, "utf8");
  return {
    lastCapability: Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")),
    oomScoreAdj: Number(readFileSync(`/proc/${node.daemonPid()}/oom_score_adj`, "utf8")),
    hostname: String(pod.config.hostname),
    openFiles: (/^Max open files\s+(\d+)\s+(\d+)/m.exec(limits) ?? []).slice(1).map(Number),
    portStart: "7",
    pod: Object.fromEntries(names.map((name) => [name, readlinkSync(`/proc/${monitor}/ns/${name}`)])),
  };
}

function podFor(pid: "pod" | "container", ownUsers: boolean): Promise<TestPod> {
  const ids = [{ containerId: 0, hostId: 65_536, length: 65_536 }];
  const namespaceOptions = {
    pid: pid === "pod" ? NamespaceMode.POD : NamespaceMode.CONTAINER,
    ...(ownUsers ? { usernsOptions: { mode: NamespaceMode.POD, uids: ids, gids: ids } } : {}),
  };
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "7" };
  return runPod(node, `random-${pid}-${ownUsers}`, {
    linux: { sysctls, securityContext: { namespaceOptions, privileged: true } },
  });
}

let made = 0;

/** Grants one wish, or sees it refused; throws with what is wrong. */
async function grant(wish: Wish, pod: TestPod, around: Surroundings): Promise<"granted" | "refused"> {
  const name = `c${++made}`;
  const wished = toConfig(wish, sources);
  const probes = wish.wrong === undefined ? probesOf(wish) : [];
  const config = { ...wished, args: [...(wished.args ?? []), ...probes] };
  const created = node.client.createContainer({
    podSandboxId: pod.id,
    sandboxConfig: pod.config,
    config: { metadata: { name, attempt: 0 }, image: { image }, logPath: `${name}.log`, ...config },
  });
  if (wish.wrong !== undefined) {
    await assert.rejects(created, new RegExp(wish.wrong.code), wish.wrong.what);
    return "refused";
  }
  const { containerId } = await created;
  await node.client.startContainer({ containerId });
  const { exitCode } = await exited(node, containerId);
  const inspection: Inspection = JSON.parse(logOf(join(pod.config.logDirectory as string, `${name}.log`)));
  await node.client.removeContainer({ containerId });
  assert.equal(exitCode, 0);
  assert.deepEqual(told(inspection, wish, around), expected(wish, around));
  return "granted";
}

test(`${number} random configurations (seed ${seed})`, async (t) => {
  const { runtimeHandlers } = await node.client.status({});
  const hasUserNamespaces = runtimeHandlers[0]?.features?.userNamespaces === true;
  if (!hasUserNamespaces)
    t.diagnostic("no pods with user namespaces of their own: the node cannot make them");
  const pods = new Map<string, { pod: TestPod; around: Surroundings }>();
  for (const pid of ["pod", "container"] as const) {
    for (const ownUsers of hasUserNamespaces ? [false, true] : [false]) {
      const pod = await podFor(pid, ownUsers);
      pods.set(`${pid} ${ownUsers}`, { pod, around: await surroundings(pod) });
    }
  }
  const todo = fc
    .sample(wishes, { numRuns: number, seed })
    .map((wish) => ({ ...wish, ownUsers: wish.ownUsers && hasUserNamespaces }));
  const done = { granted: 0, refused: 0 };
  const worker = async () => {
    for (let wish = todo.pop(); wish !== undefined; wish = todo.pop()) {
      const { pod, around } = pods.get(`${wish.pid} ${wish.ownUsers}`)!;
      try {
        done[await grant(wish, pod, around)]++;
      } catch (error) {
        todo.length = 0;
        const shown = JSON.stringify({ ...wish, wrong: wish.wrong?.what });
        throw new Error(`LICHEN_RANDOM_SEED=${seed} LICHEN_RANDOM_CONFIGS=${number}: ${shown}`, {
          cause: error,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { containers } = await node.client.listContainers({});
  assert.deepEqual(containers, [], "what was refused is not there");
  t.diagnostic(`${done.granted} granted, ${done.refused} refused`);
  assert.ok(done.granted > number / 2 && done.refused > number / 10);
});
