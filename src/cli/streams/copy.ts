import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, posix, resolve } from "node:path";
import { PassThrough, type Readable, type Writable } from "node:stream";
import type { CriClient } from "../../../proto/client.ts";
import { LichenError } from "../../errors.ts";
import { execWith } from "./exec.ts";

/**
 * Copies a file or directory of this machine into a container: to `target` itself, or below it when that is a directory there.
 * GNU tar packs here, the container's tar unpacks.
 */
export async function copyTo(
  client: CriClient,
  containerId: string,
  source: string,
  target: string,
): Promise<void> {
  const path = resolve(source);
  await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw failure(source, cause.code === "ENOENT" ? "no such file" : cause.message);
  });
  const inside = target.endsWith("/") || (await isDirectory(client, containerId, target));
  const directory = inside ? target : posix.dirname(target);
  const name = inside ? basename(path) : posix.basename(target);
  const packing = tar([
    "-c",
    "-f",
    "-",
    ...renaming(basename(path), name),
    "-C",
    dirname(path),
    "--",
    basename(path),
  ]);
  // Node throws a child's output away when it exits and nobody reads yet, and the session takes a moment to open.
  const packed = packing.stdout!.pipe(new PassThrough());
  const unpack = ["tar", "-x", "-m", "-f", "-", "-C", directory || "/"];
  await both(packing, source, (errors) =>
    execWith(client, containerId, unpack, { stdin: packed, stdout: errors, stderr: errors }),
  );
}

/**
 * Copies a file or directory of a container to `target`, or below it when that is a directory. It appears there only when it is complete.
 * What the container packs is not trusted: GNU tar keeps it below a new directory, and owners stay ours.
 */
export async function copyFrom(
  client: CriClient,
  containerId: string,
  source: string,
  target: string,
): Promise<void> {
  const path = posix.normalize(source).replace(/(.)\/$/, "$1");
  const place = await localTarget(target, posix.basename(path));
  const staging = await mkdtemp(join(dirname(place), ".lichen-cp-")).catch((cause: NodeJS.ErrnoException) => {
    throw failure(target, cause.code === "ENOENT" ? "no such directory" : cause.message);
  });
  try {
    const unpacking = tar(["-x", "-f", "-", "--no-same-owner", "-C", staging]);
    const pack = ["tar", "-c", "-f", "-", "-C", posix.dirname(path), "--", posix.basename(path)];
    await both(unpacking, source, (errors) =>
      execWith(client, containerId, pack, { stdout: unpacking.stdin!, stderr: errors }).finally(() =>
        unpacking.stdin?.end(),
      ),
    );
    await rename(join(staging, posix.basename(path)), place).catch((cause: NodeJS.ErrnoException) => {
      throw failure(target, cause.code === "ENOTEMPTY" ? "there is such a directory already" : cause.message);
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function localTarget(target: string, name: string): Promise<string> {
  const found = await stat(target).catch(() => undefined);
  return resolve(found?.isDirectory() || target.endsWith("/") ? join(target, name) : target);
}

async function isDirectory(client: CriClient, containerId: string, path: string): Promise<boolean> {
  const { exitCode } = await client.execSync({ containerId, cmd: ["test", "-d", path], timeout: 10 });
  return exitCode === 0;
}

/** Options that let `from` and everything below it go by another name; targets of symbolic links stay. */
function renaming(from: string, to: string): string[] {
  if (from === to) return [];
  const pattern = from.replace(/[\\.*[\]^$|]/g, "\\$&");
  const replacement = to.replace(/[\\&|]/g, "\\$&");
  return [`--transform=flags=rhS;s|^${pattern}|${replacement}|`];
}

function tar(args: string[]): ChildProcess {
  return spawn("tar", args, { stdio: ["pipe", "pipe", "pipe"] });
}

/** Waits for the tar here and the one there; the first that fails says why. */
async function both(
  here: ChildProcess,
  object: string,
  run: (errors: Writable) => Promise<number>,
): Promise<void> {
  const theirs = collect(new PassThrough());
  const ours = collect(here.stderr!);
  here.stdin?.on("error", () => {});
  const ended = once(here, "close").catch((cause: NodeJS.ErrnoException) => {
    throw failure(object, cause.code === "ENOENT" ? "no program `tar` on this machine" : cause.message);
  });
  const [code, [status]] = await Promise.all([run(theirs.stream), ended]);
  if (code !== 0) throw failure(object, theirs.text() || `tar in the container ended with ${code}`);
  if (status !== 0) throw failure(object, ours.text() || `tar ended with ${status}`);
}

function collect<T extends Readable>(stream: T): { stream: T; text: () => string } {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    if (text.length < 4096) text += String(chunk);
  });
  return { stream, text: () => text.trim().replaceAll("\n", "; ") };
}

function failure(object: string, reason: string): LichenError {
  return new LichenError({ code: "FAILED_PRECONDITION", operation: "copy", object, reason });
}
