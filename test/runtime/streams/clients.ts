import { createHash } from "node:crypto";
import { Readable, Writable } from "node:stream";
import { runSession, type SessionStreams } from "../../../src/cli/streams/session.ts";
import type { LichenNode } from "../../support/node.ts";

/** Keeps what is written to it. */
export class Sink extends Writable {
  bytes = 0;
  readonly #hash = createHash("sha256");
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    if (this.bytes < 1 << 20) this.#chunks.push(chunk);
    for (const wake of this.#waiting) wake();
    done();
  }

  /** The first MiB. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  /** Of everything; nothing may come after it. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  /** Waits until `found` is true of what has come. */
  async until(found: (text: string) => boolean): Promise<string> {
    for (const began = Date.now(); !found(this.text); ) {
      if (Date.now() - began > 15_000) throw new Error(`not found in ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(wake, 200);
        this.#waiting.add(wake);
      });
    }
    return this.text;
  }
}

/** Input that stays open until it is told to end. */
export function keyboard(): Readable & { type(text: string): void; done(): void } {
  const stream = new Readable({ read() {} });
  return Object.assign(stream, {
    type: (text: string) => void stream.push(text),
    done: () => void stream.push(null),
  });
}

/** So many bytes that are never twice the same, and their digest once they are read. */
export function noise(bytes: number): { stream: Readable; digest: () => string } {
  const hash = createHash("sha256");
  let left = bytes;
  let seed = 1;
  const stream = new Readable({
    highWaterMark: 1 << 18,
    read() {
      if (left === 0) return void this.push(null);
      const chunk = Buffer.alloc(Math.min(left, 1 << 18));
      for (let at = 0; at + 4 <= chunk.length; at += 64) {
        seed = (seed * 48271) % 2147483647;
        chunk.writeUInt32LE(seed, at);
      }
      left -= chunk.length;
      hash.update(chunk);
      this.push(chunk);
    },
  });
  return { stream, digest: () => hash.digest("hex") };
}

export interface Ran {
  code: number;
  stdout: Sink;
  stderr: Sink;
}

/** Runs `sh -c script` by Exec with a WebSocket client on the host's side of the namespaces. */
export async function execScript(
  node: LichenNode,
  containerId: string,
  script: string,
  streams: Partial<SessionStreams> & { tty?: boolean } = {},
): Promise<Ran> {
  const { tty = false, ...given } = streams;
  const stdout = new Sink();
  const stderr = new Sink();
  const { url } = await node.client.exec({
    containerId,
    cmd: ["sh", "-c", script],
    tty,
    stdin: given.stdin !== undefined,
    stdout: true,
    stderr: !tty,
  });
  const code = await runSession(url, { stdout, ...(tty ? {} : { stderr }), ...given });
  return { code, stdout, stderr };
}

/** Joins a container's streams; settles when the session ends. */
export async function attachTo(
  node: LichenNode,
  containerId: string,
  streams: SessionStreams,
  tty = false,
): Promise<number> {
  const { url } = await node.client.attach({
    containerId,
    tty,
    stdin: streams.stdin !== undefined,
    stdout: true,
    stderr: streams.stderr !== undefined,
  });
  return runSession(url, streams);
}
