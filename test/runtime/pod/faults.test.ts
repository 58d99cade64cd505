import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ContainerConfig, NamespaceMode, type Outgoing, SecurityProfileProfileType } from "#cri";
import { FaultyDist } from "../../support/faulty-dist.ts";
import { type Counts, count, settled } from "../../support/leaks.ts";
import type { LichenNode } from "../../support/node.ts";

// Every step of the monitor's that can fail is made to fail, one after the other: each time the request fails with that step's
// message (or a way round it is found), nothing is left of it, and the next request succeeds.

const dist = FaultyDist.make();
const skip = dist === undefined && "the native tests' executable is not built";
// Read when these are loaded.
if (dist !== undefined)
  Object.assign(process.env, { LICHEN_DIST: dist.directory, LICHEN_NODE: process.execPath });
const { startNode } = await import("../../support/node.ts");
const pods = await import("../../support/pods.ts");

let node: LichenNode;
let image: string;
before(async () => {
  if (dist === undefined) return;
  node = await startNode();
  image = await pods.pullBusybox(node);
});
after(async () => {
  dist?.disarm();
  await node?.stop();
  dist?.remove();
});

/** Asks for many things, so that there are many steps. */
const demanding: Outgoing<ContainerConfig> = {
  envs: [{ key: "A", value: Buffer.from("b") }],
  workingDir: "/made/for/it",
  mounts: [
    { hostPath: "/tmp", containerPath: "/volume", readonly: true },
    { hostPath: "/etc/passwd", containerPath: "/made/for/file" },
  ],
  devices: [{ hostPath: "/dev/zero", containerPath: "/dev/zeros", permissions: "rwm" }],
  linux: {
    resources: { oomScoreAdj: 500 },
    securityContext: {
      runAsUser: { value: 1000 },
      supplementalGroups: [7],
      readonlyRootfs: true,
      noNewPrivs: true,
      capabilities: { addCapabilities: ["NET_ADMIN"], addAmbientCapabilities: ["NET_BIND_SERVICE"] },
      seccomp: { profileType: SecurityProfileProfileType.RuntimeDefault, localhostRef: "" },
      namespaceOptions: { pid: NamespaceMode.CONTAINER },
    },
  },
};

const holdings = (pid: number, counts = count(node)) => ({
  ...counts,
  monitor: readdirSync(`/proc/${pid}/fd`).length,
});

/** As much as before, or less: connections that were open for the first call may close. */
function expectNothingMore(now: Counts & { monitor?: number }, before: typeof now, step: string): void {
  assert.deepEqual({ ...now, fds: before.fds }, before, step);
  assert.ok(now.fds <= before.fds, `${step}: ${now.fds} descriptors of the daemon, ${before.fds} before`);
}

/** A pod without an init: the native tests' executable is not static, and cannot run in an empty root. */
const pidApart = { linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } } };

async function monitorPid(podSandboxId: string): Promise<number> {
  const { info } = await node.client.podSandboxStatus({ podSandboxId, verbose: true });
  return JSON.parse(info.info ?? "{}").pid;
}

/** What came of one attempt with step `number` of `operation` made to fail. */
interface Attempt {
  step: string;
  error: string | undefined;
}

async function attempt(operation: string, number: number, work: () => Promise<unknown>): Promise<Attempt> {
  dist?.arm(operation, number);
  try {
    await work();
    return { step: dist?.told() ?? "", error: undefined };
  } catch (error) {
    return { step: dist?.told() ?? "", error: String((error as Error).message) };
  } finally {
    dist?.disarm();
  }
}

/** After how many failures a request is made that none disturbs: one that gets a step farther follows each of them anyway. */
const untilUndisturbed = process.env.LICHEN_LONG_TESTS ? 1 : 5;

/** Makes one step after the other fail until there is none left; gives the steps. `check` is run after each, and is told
 * whether it is to see that `work` succeeds undisturbed. */
async function everyStep(
  operation: string,
  work: () => Promise<unknown>,
  check: (attempt: Attempt, undisturbed: boolean) => Promise<void>,
): Promise<Attempt[]> {
  const done: Attempt[] = [];
  for (let number = 1; ; number++) {
    const one = await attempt(operation, number, work);
    if (one.step === "") {
      assert.equal(one.error, undefined, `${operation} fails with no step made to fail`);
      return done;
    }
    if (one.error !== undefined) {
      assert.match(
        one.error,
        /INJECTED/,
        `${operation}, step ${number} (${one.step}): the cause is lost: ${one.error}`,
      );
    }
    await check(one, number % untilUndisturbed === 0);
    done.push(one);
    assert.ok(number < 2000, "there is no end to it");
  }
}

const summary = (operation: string, attempts: Attempt[]) => {
  const failed = attempts.filter(({ error }) => error !== undefined).length;
  const places = new Set(attempts.map(({ step }) => step)).size;
  return `${operation}: ${attempts.length} steps at ${places} places, ${failed} of them stop it`;
};

const idMappings = [{ containerId: 0, hostId: 65_536, length: 65_536 }];
const ownUsers = { mode: NamespaceMode.POD, uids: idMappings, gids: idMappings };

for (const [how, tty, usernsOptions] of [
  ["", false, null],
  [", with a terminal", true, null],
  [", in a user namespace of the pod's own", false, ownUsers],
] as const) {
  test(`each step of making a container fails in turn${how}`, { skip }, async (t) => {
    const { runtimeHandlers } = await node.client.status({});
    if (usernsOptions !== null && !runtimeHandlers[0]?.features?.userNamespaces) {
      return t.skip("pods can have no user namespaces of their own here");
    }
    const namespaceOptions = { pid: NamespaceMode.CONTAINER, usernsOptions };
    const pod = await pods.runPod(node, `create${how.length}`, {
      linux: { securityContext: { namespaceOptions } },
    });
    const pid = await monitorPid(pod.id);
    let made: string | undefined;
    let names = 0;
    const work = async () => {
      made = undefined;
      made = await pods.createContainer(node, pod, image, `c${++names}`, "exec sleep 1000", {
        ...demanding,
        tty,
      });
    };
    const remove = async () => {
      if (made !== undefined) await node.client.removeContainer({ containerId: made });
    };
    const clean = async () => {
      await work();
      assert.ok(made);
      await node.client.startContainer({ containerId: made });
      await remove();
    };
    await clean();
    const before = holdings(pid, await settled(node));
    const attempts = await everyStep("create", work, async ({ step }, undisturbed) => {
      await remove();
      if (undisturbed) await clean();
      await pods.eventually(() => expectNothingMore(holdings(pid), before, step), 5000);
    });
    await remove();
    t.diagnostic(summary("create", attempts));
    assert.ok(attempts.length > 60, `only ${attempts.length}`);
    await node.client.removePodSandbox({ podSandboxId: pod.id });
  });
}

test("each step of starting a container fails in turn", { skip }, async (t) => {
  const pod = await pods.runPod(node, "start", pidApart);
  const pid = await monitorPid(pod.id);
  let names = 0;
  const before = holdings(pid, await settled(node));
  const lives = async () => {
    const id = await pods.createContainer(node, pod, image, `s${++names}`, "exec sleep 1000", demanding);
    try {
      await node.client.startContainer({ containerId: id });
    } catch (error) {
      const status = await pods.containerStatus(node, id);
      assert.match(status.reason, /StartError|ContainerCannotRun/);
      assert.match(status.message, /INJECTED/);
      throw error;
    } finally {
      await node.client.removeContainer({ containerId: id });
    }
  };
  const attempts = await everyStep("start", lives, async ({ step }, undisturbed) => {
    if (undisturbed) await lives();
    await pods.eventually(() => expectNothingMore(holdings(pid), before, step), 5000);
  });
  t.diagnostic(summary("start", attempts));
  assert.ok(attempts.length >= 3, `only ${attempts.length}`);
  await node.client.removePodSandbox({ podSandboxId: pod.id });
});

test("each step of making a pod fails in turn", { skip }, async (t) => {
  let names = 0;
  let podSandboxId: string | undefined;
  const config = (name: string) => ({
    linux: {
      sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" },
      securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } },
    },
    hostname: name,
  });
  const work = async () => {
    podSandboxId = undefined;
    const name = `p${++names}`;
    podSandboxId = (await pods.runPod(node, name, config(name))).id;
  };
  const end = async () => {
    if (podSandboxId !== undefined) await node.client.removePodSandbox({ podSandboxId });
  };
  await work();
  await end();
  const before = await settled(node);
  const attempts = await everyStep("setup", work, async ({ step }) => {
    await end();
    await pods.eventually(() => expectNothingMore(count(node), before, step), 10_000);
  });
  await end();
  t.diagnostic(summary("setup", attempts));
  assert.ok(attempts.length > 20, `only ${attempts.length}`);
});

test("each step of running a command in a container fails in turn", { skip }, async (t) => {
  const pod = await pods.runPod(node, "exec", pidApart);
  const pid = await monitorPid(pod.id);
  const containerId = await pods.runContainer(node, pod, image, "main", "exec sleep 1000", demanding);
  const work = () => node.client.execSync({ containerId, cmd: ["true"], timeout: 10 });
  await work();
  const before = holdings(pid, await settled(node));
  const attempts = await everyStep("exec", work, async ({ step }, undisturbed) => {
    if (undisturbed) assert.equal((await work()).exitCode, 0);
    await pods.eventually(() => expectNothingMore(holdings(pid), before, step), 5000);
  });
  t.diagnostic(summary("exec", attempts));
  assert.ok(attempts.length > 30, `only ${attempts.length}`);
  await node.client.removePodSandbox({ podSandboxId: pod.id });
});

test("the sanitizers found nothing", { skip }, () => {
  const log = readFileSync(join(node.base, "log"), "utf8");
  assert.doesNotMatch(log, /AddressSanitizer|runtime error|LeakSanitizer/);
});
