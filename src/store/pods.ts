import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { PodSandboxConfig } from "#cri";
import { LichenError } from "../errors.ts";
import { decodeRecord, encodeRecord } from "./codec.ts";
import { isUniqueViolation } from "./database.ts";

/** `creating` is never shown: such a pod either becomes ready or is undone, at the latest when the daemon starts again. */
export type PodState = "creating" | "ready" | "notready";

export interface PodRecord {
  /** 64 hex digits. */
  id: string;
  state: PodState;
  /** Nanoseconds since the epoch. */
  createdAt: bigint;
  runtimeHandler: string;
  /** The configuration as RunPodSandbox received it. */
  config: PodSandboxConfig;
  /** The pod's own addresses, the first one being the primary; none on the node's network. */
  ips: string[];
  /** The pod's cgroup below the delegated subtree (`/lichen/<id>`), or "" without delegation. */
  cgroup: string;
  /** The monitor's PID; 0 when there is none. */
  monitorPid: number;
  /** Why the pod is not ready when nobody asked for that; else "". */
  reason: string;
}

const times = ["createdAt"] as const;

/** The pods table. Every method is one statement, committed when it returns. */
export class PodStore {
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #all: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT INTO pods (id, name, record) VALUES (?, ?, ?)");
    this.#update = database.prepare("UPDATE pods SET record = ? WHERE id = ?");
    this.#delete = database.prepare("DELETE FROM pods WHERE id = ?");
    this.#all = database.prepare("SELECT record FROM pods");
  }

  /** Reserves id and name. ALREADY_EXISTS when a pod of that name exists, in whatever state. */
  insert(record: PodRecord, name: string): void {
    try {
      this.#insert.run(record.id, name, encodeRecord(record));
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new LichenError({
        code: "ALREADY_EXISTS",
        operation: "reserve pod sandbox name",
        object: name,
        reason: "a pod sandbox of this name, namespace, uid and attempt exists",
        hint: "remove it first, or use another attempt number",
        cause: error,
      });
    }
  }

  update(record: PodRecord): void {
    this.#update.run(encodeRecord(record), record.id);
  }

  delete(id: string): void {
    this.#delete.run(id);
  }

  all(): PodRecord[] {
    return this.#all.all().map((row) => decodeRecord<PodRecord>(String(row.record), times));
  }
}
