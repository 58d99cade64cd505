import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nativeCode } from "../../../src/native/failure.ts";
import { pipe, readStream } from "../../../src/native/fd.ts";
import { connectMonitor, type Monitor, spawnMonitor } from "../../../src/native/monitor.ts";
import type { MonitorEvent, PodSetup } from "../../../src/native/monitor-wire.ts";
import { overlay } from "../../../src/native/mounts.ts";
import { ensureBridge, links } from "../../../src/native/network.ts";
import type { Exit } from "../../../src/native/process.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { removeTree } from "../../support/remove-tree.ts";

const BUSYBOX = "/bin/busybox";
const openFds = () => readdirSync("/proc/self/fd").length;

const setup: PodSetup = {
  hostname: "web-0",
  network: "pod",
  ipc: "pod",
  pid: "container",
  sysctls: {},
  shmSize: 1 << 20,
  interface: {
    bridge: "lichen0",
    host: "lctest0",
    name: "eth0",
    addresses: ["10.210.0.5/16"],
    gateways: ["10.210.0.1"],
    mtu: 1500,
  },
};

/** A container's process: a shell of busybox. */
const processOf = (script: string) => ({
  args: ["/bin/busybox", "sh", "-c", script],
  env: ["PATH=/bin"],
  cwd: "/",
  user: { uid: 0, gid: 0 },
});

const specOf = (script: string) => ({
  ociVersion: "1.2.0",
  process: processOf(script),
  root: { path: "rootfs" },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
  ],
  linux: {},
});

const exec = { container: "", exec: "", terminal: false, timeoutMs: 0, cols: 0, rows: 0 };

/** A pod's monitor, with what it reported and how it ended. */
interface Pod {
  monitor: Monitor;
  directory: string;
  events: MonitorEvent[];
  exited: Promise<Exit | undefined>;
  lost: Promise<unknown>;
  /** The exit event of a container or an exec. */
  end(id: string): Promise<MonitorEvent>;
}

if (inNamespaces() && !existsSync(BUSYBOX)) {
  test("a monitor", { skip: `no ${BUSYBOX} (package busybox-static)` }, () => {});
} else if (process.env.LICHEN_TEST_NAMESPACES) {
  const scratch = mkdtempSync(join(tmpdir(), "lichen-monitor-"));
  const running = new Set<number>();
  after(() => {
    // Those of tests that failed: monitors live on when whoever started them dies.
    for (const pid of running) process.kill(pid, "SIGKILL");
    removeTree(scratch);
  });
  const image = join(scratch, "image");
  for (const name of ["bin", "proc", "dev", "tmp"]) mkdirSync(join(image, name), { recursive: true });
  copyFileSync(BUSYBOX, join(image, "bin/busybox"));
  await ensureBridge({ name: "lichen0", addresses: ["10.210.0.1/16"], mtu: 1500 });

  let pods = 0;
  async function start(): Promise<Pod> {
    // Longer than a socket's path may be.
    const directory = join(scratch, "long".repeat(30), `pod${++pods}`);
    mkdirSync(directory, { recursive: true });
    const events: MonitorEvent[] = [];
    let wake = () => {};
    const exited = Promise.withResolvers<Exit | undefined>();
    const lost = Promise.withResolvers<unknown>();
    const handlers = {
      event(event: MonitorEvent) {
        events.push(event);
        wake();
      },
      close: lost.resolve,
    };
    const podId = `${pods}`.padStart(64, "0");
    const onExit = (exit: Exit | undefined) => {
      running.delete(monitor.pid);
      exited.resolve(exit);
    };
    const monitor = await spawnMonitor({ podId, directory, handlers, onExit });
    running.add(monitor.pid);
    const end = async (id: string) => {
      for (;;) {
        const found = events.find((event) => ("exec" in event ? event.exec : event.container) === id);
        if (found) return found;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    };
    return { monitor, directory, events, exited: exited.promise, lost: lost.promise, end };
  }

  async function create(pod: Pod, container: string, script: string): Promise<void> {
    const made = (name: string) => {
      const path = join(scratch, "containers", `${pods}-${container}`, name);
      mkdirSync(path, { recursive: true });
      return path;
    };
    using root = await overlay({ lower: [image], upper: made("upper"), work: made("work") });
    const request = { container, cgroup: "", terminal: false, stdin: false, stdinOnce: false, log: "" };
    const { pid } = await pod.monitor.create(
      { ...request, pid: "container", targetPid: 0 },
      specOf(script),
      root,
    );
    assert.ok(pid > 0);
  }

  test("a monitor is greeted, sets its pod up, and shuts down leaving nothing", async () => {
    const before = openFds();
    const pod = await start();
    assert.ok(pod.monitor.pid > 0);
    const first = await pod.monitor.hello();
    assert.deepEqual(
      { ...first, pid: 0 },
      { ...first, version: 1, pid: 0, ready: false, initPid: 0, containers: [] },
    );
    const { netns } = await pod.monitor.setup(setup);
    assert.ok(netns > 0);
    const host = (await links()).find(({ name }) => name === "lctest0");
    assert.equal(host?.up, true);
    assert.notEqual(host?.master, 0);
    assert.equal((await pod.monitor.hello()).ready, true);
    await pod.monitor.shutdown();
    assert.deepEqual(await pod.exited, { code: 0, signal: 0 });
    await pod.lost;
    assert.equal(openFds(), before);
  });

  test("a container runs, its end is an event and a record; the monitor outlives connections", async () => {
    const before = openFds();
    const pod = await start();
    await pod.monitor.setup({ ...setup, interface: null });
    await create(pod, "c1", "exit 7");
    assert.match((await pod.monitor.start("c1")).startedAt, /^\d{19}$/);
    const end = await pod.end("c1");
    assert.equal(end.event === "exit" && end.code, 7);
    assert.equal(JSON.parse(readFileSync(join(pod.directory, "exits/c1"), "utf8")).code, 7);

    await create(pod, "c2", "sleep 60");
    await pod.monitor.start("c2");
    pod.monitor.close();
    const again = await connectMonitor(pod.directory, {
      event: (event) => pod.events.push(event),
      close() {},
    });
    const hello = await again.hello();
    const states = hello.containers.map(({ container, state }) => `${container} ${state}`).sort();
    assert.deepEqual(states, ["c1 exited", "c2 running"]);
    await assert.rejects(again.delete("c2"), (error) => nativeCode(error) === "RUNNING");
    await again.signal("c2", 9, true);
    while (!pod.events.some((event) => event.event === "exit" && event.container === "c2")) await sleep(5);
    await again.delete("c2");
    await again.delete("c2");
    await again.shutdown();
    again.close();
    await pod.exited;
    assert.equal(openFds(), before);
  });

  test("exec runs beside, with its own output", async () => {
    const pod = await start();
    await pod.monitor.setup({ ...setup, interface: null });
    await create(pod, "c", "sleep 60");
    await pod.monitor.start("c");
    const { read, write } = pipe();
    const ran = await pod.monitor.exec(
      { ...exec, container: "c", exec: "e1" },
      processOf("hostname; exit 3"),
      {
        stdout: write,
      },
    );
    assert.ok(ran.pid > 0);
    write.close();
    let output = "";
    for await (const chunk of readStream(read)) output += String(chunk);
    assert.equal(output, "web-0\n");
    const end = await pod.end("e1");
    assert.equal(end.event === "exec-exit" && end.code, 3);
    await pod.monitor.shutdown();
    await pod.exited;
  });

  test("a command that does not exist is told with its errno, and the container has ended", async () => {
    const pod = await start();
    await pod.monitor.setup({ ...setup, interface: null });
    using root = await overlay({ lower: [image] });
    const spec = { ...specOf(""), process: { ...processOf(""), args: ["/bin/nothing"] } };
    const request = { container: "c", cgroup: "", terminal: false, stdin: false, stdinOnce: false, log: "" };
    await pod.monitor.create({ ...request, pid: "container", targetPid: 0 }, spec, root);
    await assert.rejects(pod.monitor.start("c"), (error) => nativeCode(error) === "ENOENT");
    const end = await pod.end("c");
    assert.equal(end.event === "exit" && end.code, 127);
    await pod.monitor.shutdown();
    await pod.exited;
  });

  test("a monitor that is killed is noticed: requests fail, the process is reaped", async () => {
    const pod = await start();
    await pod.monitor.setup({ ...setup, interface: null });
    process.kill(pod.monitor.pid, "SIGKILL");
    assert.deepEqual(await pod.exited, { code: 0, signal: 9 });
    await pod.lost;
    await assert.rejects(pod.monitor.hello(), { code: "UNAVAILABLE" });
    await assert.rejects(connectMonitor(pod.directory, { event() {}, close() {} }), { code: "UNAVAILABLE" });
  });
}
