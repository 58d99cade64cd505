import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { timed } from "../support/statistics.ts";
import type { Target } from "../support/target.ts";

export type Protocol = "spdy" | "websocket";

/** Where `npm run conformance -- --tools-only` has put crictl and streamclient: client-go's own executors, which kubectl is made of. */
export interface StreamTools {
  crictl: string;
  streamclient: string;
  /** See startFloor. */
  floor: string;
}

const pourBytes = 400_000_000;
const manyCommands = 100;
const manyBytes = 1 << 20;
const port = 7000;

/** A program on the runtime's own loopback: of containerd that is the one in RootlessKit's network namespace. */
export function inside(target: Target, command: readonly string[]): ChildProcess {
  const enter = ["--target", String(target.insidePid), "--user", "--net", "--preserve-credentials", "--"];
  return spawn("nsenter", [...enter, ...command], { stdio: ["pipe", "pipe", "pipe"] });
}

async function output(target: Target, command: readonly string[], input = ""): Promise<string> {
  const child = inside(target, command);
  child.stdin!.end(input);
  const [said, complaint, [status]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, "exit"),
  ]);
  if (status !== 0 || complaint !== "")
    throw new Error(`${target.name}: ${command.join(" ")} ended with status ${status}: ${complaint}`);
  return said.trim();
}

/** MB/s of one exec session whose command writes (out) or reads (in) 400 MB of zeros. */
export async function pour(
  target: Target,
  { streamclient }: StreamTools,
  containerId: string,
  protocol: Protocol,
  direction: "out" | "in",
): Promise<number> {
  const script =
    direction === "out"
      ? `exec dd if=/dev/zero bs=1000000 count=${pourBytes / 1e6} 2>/dev/null`
      : "exec tail -c 8";
  const { url } = await target.client.exec({
    containerId,
    cmd: ["sh", "-c", script],
    stdin: direction === "in",
    stdout: true,
  });
  const seconds = await output(target, [streamclient, "pour", protocol, direction, String(pourBytes), url]);
  return pourBytes / 1e6 / Number(seconds);
}

/** Milliseconds for a hundred execs at once, each with a MiB in both directions, from the first RPC to the last byte. */
export async function manyExecs(
  target: Target,
  { streamclient }: StreamTools,
  containerId: string,
): Promise<number> {
  const [milliseconds] = await timed(async () => {
    const urls = await Promise.all(
      Array.from({ length: manyCommands }, async () => {
        const request = { containerId, cmd: ["cat"], stdin: true, stdout: true };
        return (await target.client.exec(request)).url;
      }),
    );
    await output(target, [streamclient, "many", "spdy", String(manyBytes)], `${urls.join("\n")}\n`);
  });
  return milliseconds;
}

/** What the pod of `portForward` runs: 400 MB for every connection. */
export const sourceCommand = [
  "nc",
  ...["-ll", "-p", String(port), "-e", "dd", "if=/dev/zero", "bs=1000000", `count=${pourBytes / 1e6}`],
];

/** MB/s from a pod through one forwarded connection. */
export async function portForward(
  target: Target,
  { streamclient }: StreamTools,
  podSandboxId: string,
  protocol: Protocol,
): Promise<number> {
  const { url } = await target.client.portForward({ podSandboxId, port: [port] });
  const said = await output(target, [streamclient, "download", protocol, url, String(port)]);
  const [bytes = 0, seconds = 0] = said.split(" ").map(Number);
  if (bytes !== pourBytes)
    throw new Error(`${target.name}: ${bytes} bytes came through the port, not ${pourBytes}`);
  return bytes / 1e6 / seconds;
}

/** Milliseconds from the start of `crictl exec` to the first byte that its command prints. */
export async function firstByte(
  target: Target,
  { crictl }: StreamTools,
  containerId: string,
): Promise<number> {
  const command = [crictl, "-r", `unix://${target.socket}`, "exec", containerId, "echo", "here"];
  const { milliseconds, said } = await firstOutput(target, command);
  if (said !== "here\n") throw new Error(`${target.name}: crictl exec printed ${JSON.stringify(said)}`);
  return milliseconds;
}

/**
 * Milliseconds from the start of `crictl --version` to its first byte: crictl's own start, without a word to any server. What `firstByte`
 * takes beyond it is the most that a server could save.
 */
export async function clientStart(target: Target, { crictl }: StreamTools): Promise<number> {
  return (await firstOutput(target, [crictl, "--version"])).milliseconds;
}

async function firstOutput(target: Target, command: readonly string[]) {
  const began = performance.now();
  const child = inside(target, command);
  child.stdin!.end();
  await once(child.stdout!, "readable");
  const milliseconds = performance.now() - began;
  const [said] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, "exit")]);
  return { milliseconds, said };
}
