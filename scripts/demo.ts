// What `npm start` shows, as the unprivileged user: one pod with one container, from an image to its removal, every step by the `lichen`
// command that a person would type. Without a reference the image is made from busybox and served by a registry in this process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { demoImage } from "../test/fixtures/image-demo.ts";
import { Registry } from "../test/fixtures/registry.ts";
import { capture } from "../test/support/capture.ts";
import { dim, fail, SetupError, step } from "./setup/console.mjs";

const lichen = join(import.meta.dirname, "../dist/lichen");
const name = "hello";
/** What the container runs: it says who it is, then waits to be stopped. */
const greeting =
  'echo "hello from $(hostname), kernel $(uname -r)"; id; trap "exit 0" TERM; while :; do sleep 1; done';
const readyMilliseconds = 15_000;

/** Directories of its own, so that a lichen that the user runs already is left alone. */
const runtimeDir = join(process.env.XDG_RUNTIME_DIR ?? `/tmp/lichen-${process.getuid?.()}`, "lichen-start");
const dataDir = join(process.env.XDG_DATA_HOME ?? join(homedir(), ".local/share"), "lichen-start");
const logFile = join(dataDir, "serve.log");

const inOwn = ["--runtime-dir", runtimeDir];

/** Runs a `lichen` command to its end; failing, it says so in the command's own words. */
async function run(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await capture(lichen, [...inOwn, ...args]);
  if (status === 0) return stdout;
  const [first = "", ...rest] = stderr.trim().split("\n");
  const hint = rest.find((line) => line.startsWith("hint: "))?.slice("hint: ".length);
  throw new SetupError(
    `lichen ${args[0]}: ${first.replace(/^error: /, "")}`,
    hint ?? `the daemon's log is in ${logFile}`,
  );
}

/** Does a command as one visible step; what it prints does not matter. */
const does = (title: string, ...args: string[]): Promise<void> =>
  step(title, async () => {
    await run(...args);
  });

/** Shows a command as typed, and what it printed, indented. */
async function show(...args: string[]): Promise<void> {
  const typed = args.map((word) => (/[^\w:/.@-]/.test(word) ? `'${word}'` : word)).join(" ");
  console.log(dim(`  $ lichen ${typed}`));
  const printed = await run(...args);
  for (const line of printed.trimEnd().split("\n")) console.log(`    ${line}`);
}

function startDaemon(): ChildProcess {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const log = openSync(logFile, "w", 0o600);
  const child = spawn(lichen, [...inOwn, "serve", "--data-dir", dataDir], { stdio: ["ignore", log, log] });
  closeSync(log);
  return child;
}

async function untilReady(daemon: ChildProcess): Promise<void> {
  const began = Date.now();
  for (;;) {
    const { stdout } = await capture(lichen, [...inOwn, "version"]);
    if (!stdout.includes("not running")) return;
    if (daemon.exitCode !== null || Date.now() - began > readyMilliseconds) {
      const lastWords = readFileSync(logFile, "utf8").trim().split("\n").slice(-5).join("\n");
      throw new SetupError(
        `the daemon does not start:\n${lastWords}`,
        "what this machine lacks: dist/lichen doctor",
      );
    }
    await sleep(20);
  }
}

async function stopDaemon(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill("SIGTERM");
  await once(daemon, "exit");
}

/** From an image to a removed pod. `offline`: the image is ours, and goes again. */
async function onePod(reference: string, offline: boolean): Promise<void> {
  await does(`pull ${reference}`, "pull", reference);
  await does("run a pod with a container", "run", "-d", "--name", name, reference, "sh", "-c", greeting);
  await show("ps");
  // The shell in the container needs a moment to say its lines.
  for (let tries = 0; tries < 100 && !(await run("logs", name)).includes("uid="); tries++) await sleep(20);
  await show("logs", name);
  await show("exec", name, "ps");
  await show("stats");
  await does("stop it", "stop", name);
  await does("remove it", "rm", name);
  if (offline) await run("rmi", reference);
}

async function main(given: string | undefined): Promise<void> {
  let reference = given;
  if (!reference) {
    await step("image from busybox, served by a registry in this process", async () => {
      const registry = await Registry.start();
      registry.push("library/busybox", await demoImage(), "latest");
      reference = `${registry.host}/library/busybox:latest`;
    });
  }
  const daemon = startDaemon();
  try {
    await step(`daemon, as uid ${process.getuid?.()}`, () => untilReady(daemon));
    // Left from a run that was interrupted.
    await run("rm", "--force", name).catch(() => {});
    await onePod(reference ?? "", !given);
  } finally {
    await step("stop the daemon", () => stopDaemon(daemon));
  }
  console.log(`
Next, as a plain user:
  export PATH="$PWD/dist:$PATH"
  lichen doctor                                            what this machine allows, and what would mend the rest
  lichen serve                                             the daemon, in a terminal of its own
  lichen run --rm docker.io/library/alpine echo hello      a container
  lichen --help                                            everything else`);
}

// An interrupted demonstration still stops its daemon: the signal goes to every process of the terminal, the daemon included.
process.on("SIGINT", () => {});
await main(process.argv[2]).catch(fail);
process.exit(0);
