import { createRequire } from "node:module";
import { isNativeFailure, toLichenError } from "./failure.ts";
import type { IdExtent } from "./id-map.ts";
import { distFile } from "./locate.ts";

/** An open file descriptor with an owner: close() it, or declare it with `using`. A lost one is closed when it is collected. */
export interface Fd extends Disposable {
  /** The number, for what must name it to Node; an error once it is closed. */
  readonly number: number;
  readonly closed: boolean;
  /** Another descriptor of the same open file. */
  duplicate(): Fd;
  /** Gives the number away without closing it: the caller owns it from now on. */
  release(): number;
  /** Lets a pipe hold so many bytes. False where the user may not have so much: more than 1 MiB, or with many pipes (pipe(7)). */
  setPipeSize(bytes: number): boolean;
  /** May be called again. */
  close(): void;
}

export interface RawChannel {
  send(text: string, fds: readonly Fd[]): void;
  close(): void;
  setRef(ref: boolean): void;
  readonly queued: number;
}

export interface RawPidWatcher {
  close(): void;
  setRef(ref: boolean): void;
}

/** The writer of a layer, and what else is done to layers; paths within a layer are byte strings: one character a byte. */
export interface RawLayer {
  open(directory: string, singleOwner: boolean): unknown;
  close(writer: unknown): void;
  write(writer: unknown, records: Uint8Array, memories: Uint8Array[]): Promise<void>;
  finish(writer: unknown): Promise<RawLayerSummary>;
  settle(request: RawSettlement): void;
  syncFilesystem(path: string): void;
  removeTree(path: string): void;
  xattrs(path: string): string[];
}

export interface RawDecoder {
  open(kind: string, dictionary?: Uint8Array): unknown;
  decode(decoder: unknown, input: Uint8Array, output: Uint8Array): [consumed: number, produced: number];
  end(decoder: unknown): void;
  close(decoder: unknown): void;
}

export interface RawLayerSummary {
  bytes: number;
  inodes: number;
  refusedXattrs: number;
  implied: string[];
  whiteouts: string[];
  opaque: string[];
}

export interface RawSettlement {
  directory: string;
  lower: string[];
  singleOwner: boolean;
  implied: string[];
  whiteouts: string[];
  opaque: string[];
}

export interface RawLink {
  index: number;
  name: string;
  kind: string;
  mac: string;
  mtu: number;
  master: number;
  up: boolean;
  addresses: string[];
}

/** The addon as it is: native/addon/*.cc. */
export interface RawAddon {
  Fd: new (number: number) => Fd;
  pipe(account?: number): [read: Fd, write: Fd];
  socketPair(): [first: Fd, second: Fd];
  memfd(name: string, bytes: Buffer): Fd;
  open(path: string, flags: number, mode?: number): Fd;
  connect(path: string): Fd;

  Channel: new (
    fd: Fd,
    onMessage: (text: string, fds: Fd[]) => void,
    onClose: (error: Error | undefined) => void,
  ) => RawChannel;

  spawn(request: {
    file: string;
    args: string[];
    env: string[];
    cwd?: string;
    fds: (Fd | null | "inherit")[];
    cgroup?: string;
  }): [pid: number, pidfd: Fd];
  openPidfd(pid: number): Fd;

  shiftTree(
    source: string,
    destination: string,
    uids: IdExtent[],
    gids: IdExtent[],
  ): { bytes: number; shared: number; inodes: number };
  signalPidfd(pidfd: Fd, signal: number): boolean;
  PidWatcher: new (pidfd: Fd, onExit: (code: number | null, signal: number | null) => void) => RawPidWatcher;

  overlay(spec: {
    lower: string[];
    upper?: string;
    work?: string;
    readonly?: boolean;
    context?: string;
  }): Promise<Fd>;
  cloneTree(path: string, options: { recursive?: boolean; readonly?: boolean }): Promise<Fd>;

  detachMount(path: string): void;

  createCgroup(path: string): void;
  cgroupPopulated(path: string): boolean;
  killCgroup(path: string, timeoutMs: number): Promise<void>;
  removeCgroup(path: string, timeoutMs: number): Promise<void>;
  diskUsages(directories: readonly string[]): Promise<number[]>;
  readUsage(
    paths: readonly string[],
    shapes: readonly number[],
    controllers: readonly string[],
  ): Promise<{ figures: Float64Array; names: string }>;

  ensureBridge(bridge: { name: string; addresses: string[]; mtu: number }): Promise<void>;
  masquerade(rules: { table: string; sources: string[]; exceptBridge: string }): Promise<void>;
  listen(address: string, port: number, protocol: "tcp" | "udp"): Fd;
  isolatePorts(rule: { table: string; bridge: string }): Promise<void>;
  keepClients(table: string): Promise<void>;
  removeTable(name: string): Promise<void>;
  removeLink(name: string): Promise<void>;
  links(): Promise<RawLink[]>;

  releaseUnusedMemory(): void;

  appArmorProfileLoaded(name: string): boolean;
  selinuxContext(): string;
  checkSelinuxContext(context: string, kind: "process" | "file"): void;
  labelTree(path: string, context: string): Promise<boolean>;
  refusedPrivileges(scratch: string): { what: string; code: string }[];

  layer: RawLayer;
  decoder: RawDecoder;
}

let loaded: RawAddon | undefined;

/** The addon, loaded at first use. */
export function addon(): RawAddon {
  loaded ??= createRequire(import.meta.url)(distFile("lichen.node")) as RawAddon;
  return loaded;
}

/** What a call of the addon threw as LichenError; a TypeError (our own mistake) stays what it is. */
export function fromAddon(thrown: unknown): unknown {
  return isNativeFailure(thrown) ? toLichenError(thrown) : thrown;
}

/** Calls the addon; its errors become LichenErrors. */
export function native<T>(call: (raw: RawAddon) => T): T {
  try {
    return call(addon());
  } catch (thrown) {
    throw fromAddon(thrown);
  }
}

/** The same for what the addon does off the main thread. */
export async function nativeAsync<T>(call: (raw: RawAddon) => Promise<T>): Promise<T> {
  try {
    return await call(addon());
  } catch (thrown) {
    throw fromAddon(thrown);
  }
}
