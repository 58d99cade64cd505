import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CriClient, connectCri } from "../../proto/client.ts";
import { leakFindings, look } from "../../src/cli/leaks.ts";
import { type Captured, capture } from "./capture.ts";
import { HeldNamespaces, processesOf } from "./leaks.ts";
import { slowness } from "./patience.ts";

export const dist = process.env.LICHEN_DIST ?? join(import.meta.dirname, "../../dist");

/** Time for the daemon to answer, and for launcher, daemon and uplink to end; far above what they take. */
const patienceMilliseconds = 15_000 * slowness;

export interface NodeOptions {
  /** Text of config.toml. */
  config?: string;
  /** More arguments for `lichen serve`. */
  extraArgs?: string[];
  env?: Record<string, string>;
  /** A command line that this node and its `lichen` commands are started by: they are its last arguments. */
  by?: readonly string[];
}

/** A whole lichen in temporary directories of its own: launcher, uplink and daemon, as the user who runs the tests. */
export interface LichenNode {
  client: CriClient;
  runtimeDir: string;
  dataDir: string;
  /** Everything this node and its `lichen` commands write lies below. */
  base: string;
  /** The user namespaces that the node has had. */
  namespaces: HeldNamespaces;
  launcherPid: number;
  /** The daemon's process now; another one after it was killed. */
  daemonPid(): number;
  /** Runs `lichen` against this node to its end. */
  lichen(...args: string[]): Promise<Captured>;
  /** What launcher and daemon have written to stderr. */
  log(): string;
  /** Waits until the daemon answers Version. */
  ready(): Promise<void>;
  /** Starts `lichen serve` again, once the launcher that was killed or told to end has ended. */
  restart(): Promise<void>;
  /** Ends the launcher and starts another: it has its first daemon at once, where one that has started many waits longer and longer. */
  replaceLauncher(): Promise<void>;
  /** Removes every pod and image, ends the daemon, and throws when a process or file of the node is left. */
  stop(): Promise<void>;
}

/** Starts a node and waits until it answers. */
export async function startNode(options: NodeOptions = {}): Promise<LichenNode> {
  if (process.getuid?.() === 0)
    throw new Error("lichen does not run as root: use `npm test`, which changes to a plain user");
  // A short path: the address of a Unix socket has 107 bytes.
  const base = await mkdtemp(join(tmpdir(), "lichen-"));
  const runtimeDir = join(base, "run");
  const dataDir = join(base, "data");
  const config = join(base, "config.toml");
  const logFile = join(base, "log");
  mkdirSync(join(base, "state"));
  writeFileSync(config, options.config ?? "");
  const env = { ...process.env, XDG_STATE_HOME: join(base, "state"), ...options.env };

  const [program = "", ...before] = [...(options.by ?? []), join(dist, "lichen")];
  const serve = () => {
    const log = openSync(logFile, "a");
    const args = ["--runtime-dir", runtimeDir, "serve", "--data-dir", dataDir, "--config", config];
    const child = spawn(program, [...before, ...args, ...(options.extraArgs ?? [])], {
      stdio: ["ignore", log, log],
      env,
    });
    closeSync(log);
    return child;
  };
  const client = connectCri(join(runtimeDir, "lichen.sock"));
  let launcher = serve();

  const node: LichenNode = {
    client,
    runtimeDir,
    dataDir,
    base,
    namespaces: new HeldNamespaces(),
    get launcherPid() {
      return launcher.pid ?? 0;
    },
    daemonPid: () => Number(readFileSync(join(runtimeDir, "daemon.pid"), "utf8").split(" ")[0]),
    lichen: (...args) => capture(program, [...before, "--runtime-dir", runtimeDir, ...args], env),
    log: () => readFileSync(logFile, "utf8"),
    async ready() {
      const began = Date.now();
      for (;;) {
        try {
          // grpc-js waits a second after a connection that failed, so the first one is made when somebody listens.
          await listening(join(runtimeDir, "lichen.sock"));
          await client.version({}, { timeoutMs: 1000 * slowness });
          node.namespaces.add(node.daemonPid());
          return;
        } catch (error) {
          const ended = launcher.exitCode ?? launcher.signalCode;
          if (ended === null && Date.now() - began < patienceMilliseconds) await sleep(20);
          else
            throw new Error(`the node is not ready (launcher: ${ended ?? "running"})\n${node.log()}`, {
              cause: error,
            });
        }
      }
    },
    async restart() {
      await ended(launcher);
      launcher = serve();
      await node.ready();
    },
    async replaceLauncher() {
      launcher.kill("SIGTERM");
      await node.restart();
    },
    async stop() {
      try {
        await removeEverything(client);
        await expectNoLeaks(node);
      } finally {
        client.close();
        launcher.kill("SIGTERM");
        await ended(launcher);
      }
      await expectNothingLeft(node);
      node.namespaces.clear();
      if (!process.env.LICHEN_TEST_KEEP) await rm(base, { recursive: true, force: true });
    },
  };
  // A test that fails before it stops its node must leave nothing on the machine either.
  process.once("exit", () => {
    for (const { pid } of processesOf(base, node.namespaces)) killQuietly(pid);
  });
  try {
    await node.ready();
  } catch (error) {
    launcher.kill("SIGTERM");
    await ended(launcher);
    client.close();
    if (!process.env.LICHEN_TEST_KEEP) await rm(base, { recursive: true, force: true });
    throw error;
  }
  return node;
}

/** Waits until a process that was told to end has done so. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await Promise.race([once(child, "exit"), sleep(patienceMilliseconds, undefined, { ref: false })]);
}

function listening(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve();
    });
    socket.on("error", reject);
  });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

async function removeEverything(client: CriClient): Promise<void> {
  const { items } = await client.listPodSandbox({});
  for (const { id } of items) {
    await client.stopPodSandbox({ podSandboxId: id });
    await client.removePodSandbox({ podSandboxId: id });
  }
  const { images } = await client.listImages({});
  for (const { id } of images) await client.removeImage({ image: { image: id } });
}

/** Without pods the node holds nothing for any: what doctor would report is a leak. */
async function expectNoLeaks(node: LichenNode): Promise<void> {
  for (const began = Date.now(); ; await sleep(20)) {
    const leaks = leakFindings(look(node), [], []).filter(({ ok }) => !ok);
    if (leaks.length === 0) return;
    if (Date.now() - began < 3000 * slowness) continue;
    throw new Error(`the node leaks: ${leaks.map(({ what, detail }) => `${what}: ${detail}`).join("; ")}`);
  }
}

/** After removal and shutdown: no process of the node runs, and no layer, container or pod directory lies about. */
async function expectNothingLeft(node: LichenNode): Promise<void> {
  const began = Date.now();
  let left = processesOf(node.base, node.namespaces);
  while (left.length > 0 && Date.now() - began < 3000 * slowness) {
    await sleep(20);
    left = processesOf(node.base, node.namespaces);
  }
  const problems = left.map(({ pid, command }) => `process ${pid}: ${command}`);
  for (const { pid } of left) killQuietly(pid);
  const directories = [
    join(node.dataDir, "layers"),
    join(node.dataDir, "containers"),
    join(node.dataDir, "shifted"),
    join(node.runtimeDir, "pods"),
  ];
  for (const directory of directories) {
    const names = await readdir(directory).catch(() => []);
    problems.push(...names.map((name) => join(directory, name)));
  }
  if (problems.length > 0) throw new Error(`left behind:\n  ${problems.join("\n  ")}\n${node.log()}`);
}
