import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { LichenError, within } from "../../errors.ts";
import { type Fd, pipe, readStream } from "../../native/fd.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import type { PodContext } from "../context.ts";
import { orPodEnd } from "../pod-end.ts";
import { execProcess } from "../spec/process.ts";
import { withinTime } from "../timer.ts";
import type { ExecResult } from "../types.ts";
import { firstProcess } from "./first-process.ts";

/**
 * What is kept of both streams together: the CRI message they go into has at most 16 MiB. The rest is read, so that the
 * command is not held up, and dropped, which is said.
 */
const outputLimit = 16 * 1024 * 1024 - 64 * 1024;
/** The largest time-out that the monitor is told, in milliseconds; a longer one is as good as none. */
const longestTimeoutMs = 2 ** 31 - 1;
/** A child that the command left behind may hold its output open: this long is waited for the end of it. */
const drainMs = 1000;
/** How much later than the monitor's own time-out its silence counts as one. */
const graceMs = 2000;

/** ExecSync: see PodService. */
export async function execSync(
  context: PodContext,
  idPrefix: string,
  command: string[],
  timeoutSeconds: number,
): Promise<ExecResult> {
  const container = context.containers.get(idPrefix);
  requireRunning(container);
  const process = execProcess(firstProcess(context, container), command, false);
  const exec = randomBytes(8).toString("hex");
  const timeoutMs = Math.min(Math.max(timeoutSeconds, 0) * 1000, longestTimeoutMs);
  // A command dies with its container, whether its own end is reported or not.
  const end = Promise.withResolvers<{ code: number; timedOut: boolean }>();
  context.monitors.onExecExit(exec, end.resolve);
  const unsubscribe = context.exits.subscribe(container.id, () =>
    end.resolve({ code: 137, timedOut: false }),
  );
  const room = { bytes: outputLimit, dropped: 0 };
  using stdout = collect(room);
  using stderr = collect(room);
  try {
    const request = { container: container.id, exec, terminal: false, timeoutMs, cols: 0, rows: 0 };
    const streams = { stdout: stdout.write, stderr: stderr.write };
    await orPodEnd(context, container.sandboxId, async () =>
      context.monitors.get(container.sandboxId).exec(request, process, streams),
    );
    stdout.write.close();
    stderr.write.close();
    const event = await (timeoutMs === 0 ? end.promise : withinTime(end.promise, timeoutMs + graceMs));
    if (event === undefined || event.timedOut) throw timedOut(timeoutSeconds);
    await withinTime(Promise.all([stdout.ended, stderr.ended]), drainMs);
    const note = room.dropped > 0 ? [cutNote(outputLimit - room.bytes, room.dropped)] : [];
    return { stdout: stdout.take(), stderr: Buffer.concat([stderr.take(), ...note]), exitCode: event.code };
  } catch (error) {
    throw within("execute in container", `${container.id}: ${command[0]}`, error);
  } finally {
    unsubscribe();
    context.monitors.forgetExec(exec);
  }
}

function requireRunning(container: ContainerRecord): void {
  if (container.state === "running") return;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "execute in container",
    object: container.id,
    reason: `the container is ${container.state}`,
  });
}

function timedOut(seconds: number): LichenError {
  return new LichenError({
    code: "DEADLINE_EXCEEDED",
    operation: "wait for command",
    object: "",
    reason: `it took longer than ${seconds} s and was killed`,
  });
}

/** Told where a person sees it: a client that takes the cut output for the whole would be misled. */
function cutNote(kept: number, dropped: number): Buffer {
  return Buffer.from(
    `\n[lichen: ${kept} of ${kept + dropped} bytes of output are here; ExecSync answers at most 16 MiB, Exec any amount]\n`,
  );
}

interface Collector extends Disposable {
  /** The end for the command. */
  write: Fd;
  /** Settles when nobody holds the writing end any more. */
  ended: Promise<void>;
  take(): Buffer;
}

/** A pipe whose output is collected as long as there is room, and counted then. Disposing of it closes both ends. */
function collect(room: { bytes: number; dropped: number }): Collector {
  const { read, write } = pipe();
  const stream: Socket = readStream(read);
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    const part = chunk.subarray(0, room.bytes);
    if (part.length > 0) chunks.push(part);
    room.bytes -= part.length;
    room.dropped += chunk.length - part.length;
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  stream.once("end", resolve);
  stream.once("error", () => resolve());
  return {
    write,
    ended,
    take: () => Buffer.concat(chunks),
    [Symbol.dispose]: () => {
      write.close();
      stream.destroy();
    },
  };
}
