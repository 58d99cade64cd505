import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "@grpc/grpc-js";
import type { ContainerConfig, PodSandboxConfig } from "#cri";
import { type CriClient, connectCri, maxMessageBytes } from "../../../proto/client.ts";
import { serviceDefinition } from "../../../proto/contract.ts";
import { parseConfig } from "../../../src/config/load.ts";
import type { CriContext } from "../../../src/cri/context.ts";
import { addCriServices } from "../../../src/cri/services.ts";
import { listen } from "../../../src/daemon/socket.ts";
import type { ImageRecord } from "../../../src/image/service.ts";
import type { ContainerRecord, Log, PodRecord } from "../../../src/pod/service.ts";

/** A context of rooms in which only what a test puts there can be called. */
export function context(parts: {
  pods?: Partial<CriContext["pods"]>;
  images?: Partial<CriContext["images"]>;
  streaming?: Partial<CriContext["streaming"]>;
  node?: Partial<CriContext["node"]>;
  config?: string;
}): CriContext {
  return {
    pods: (parts.pods ?? {}) as CriContext["pods"],
    images: (parts.images ?? {}) as CriContext["images"],
    streaming: (parts.streaming ?? {}) as CriContext["streaming"],
    node: { warnings: [], ...parts.node } as CriContext["node"],
    config: parseConfig(parts.config ?? "", "test"),
    version: "1.2.3",
  };
}

export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  fields: Record<string, unknown>;
  message: string;
}

/** A logger that remembers. */
export function recordingLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
}

export interface Served {
  client: CriClient;
  socket: string;
  lines: LogLine[];
  /** Begins to stop the daemon, as far as calls notice. */
  stop(): void;
  close(): void;
}

/** Serves `rooms` on a socket in a temporary directory. */
export async function serve(rooms: CriContext): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), "lichen-cri-"));
  const socket = join(directory, "lichen.sock");
  const { log, lines } = recordingLog();
  const server = new Server({ "grpc.max_receive_message_length": maxMessageBytes });
  const stopping = new AbortController();
  addCriServices(server, rooms, log, stopping.signal);
  await listen(server, socket);
  const client = connectCri(socket);
  return {
    client,
    socket,
    lines,
    stop: () => stopping.abort(),
    close: () => {
      client.close();
      server.forceShutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A message as it arrives: what `fields` leaves out has its default. */
export function decoded<T>(rpc: string, fields: object): T {
  const method = { ...serviceDefinition("RuntimeService"), ...serviceDefinition("ImageService") }[rpc];
  if (!method) throw new Error(`no RPC ${rpc}`);
  return method.requestDeserialize(method.requestSerialize(fields)) as T;
}

export function podConfig(fields: object = {}): PodSandboxConfig {
  return decoded<{ config: PodSandboxConfig }>("RunPodSandbox", { config: fields }).config;
}

export function containerConfig(fields: object = {}): ContainerConfig {
  return decoded<{ config: ContainerConfig }>("CreateContainer", { config: fields }).config;
}

export function podRecord(fields: Partial<PodRecord> = {}): PodRecord {
  return {
    id: "a".repeat(64),
    state: "ready",
    createdAt: 1_764_000_000_123_456_789n,
    runtimeHandler: "",
    config: podConfig({ metadata: { name: "web", uid: "u", namespace: "default", attempt: 1 } }),
    ips: ["10.210.0.5"],
    cgroup: "/lichen/x",
    monitorPid: 77,
    reason: "",
    ...fields,
  } as PodRecord;
}

export function containerRecord(fields: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id: "c".repeat(64),
    sandboxId: "a".repeat(64),
    state: "running",
    createdAt: 1_764_000_000_000_000_001n,
    startedAt: 1_764_000_001_000_000_001n,
    finishedAt: 0n,
    exitCode: 0,
    reason: "",
    message: "",
    pid: 99,
    config: containerConfig({ metadata: { name: "app", attempt: 2 }, image: { image: "sha256:1" } }),
    image: { id: "sha256:1", ref: "registry.local/app@sha256:2" },
    logPath: "/log/app/2.log",
    user: { uid: 0, gid: 0, supplementalGroups: [] },
    stopSignal: "SIGTERM",
    cgroup: "/lichen/x/c",
    ...fields,
  } as ContainerRecord;
}

export function imageRecord(fields: Partial<ImageRecord> = {}): ImageRecord {
  return {
    id: "sha256:1",
    tags: ["registry.local/app:1", "registry.local/app:latest"],
    digests: ["registry.local/app@sha256:2"],
    size: 4711,
    user: { uid: 0 },
    config: { architecture: "amd64", os: "linux", config: { Cmd: ["sh"] } },
    pinned: false,
    ...fields,
  };
}
