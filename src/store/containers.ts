import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ContainerConfig } from "#cri";
import { LichenError } from "../errors.ts";
import { decodeRecord, encodeRecord } from "./codec.ts";
import { isUniqueViolation } from "./database.ts";

/** `creating` is never shown: such a container either becomes created or is undone. */
export type ContainerState = "creating" | "created" | "running" | "exited";

/** Why a container is in its state, in the words that the kubelet and crictl users know; "" while it is well. */
export type ContainerReason =
  | ""
  | "Completed"
  | "Error"
  | "OOMKilled"
  | "StartError"
  | "ContainerCannotRun"
  | "Unknown";

export interface ContainerRecord {
  /** 64 hex digits. */
  id: string;
  sandboxId: string;
  state: ContainerState;
  /** Nanoseconds since the epoch; 0 when it has not happened. */
  createdAt: bigint;
  startedAt: bigint;
  finishedAt: bigint;
  /** The exit code, or 128 + signal; meaningful once exited. */
  exitCode: number;
  reason: ContainerReason;
  message: string;
  /** PID of the first process as the node sees it; 0 when there is none. */
  pid: number;
  /** The configuration as CreateContainer received it. */
  config: ContainerConfig;
  /** `id` is the image's config digest; `ref` its repository digest, or the id when it has none. */
  image: { id: string; ref: string };
  /** Ids of the images that it has as volumes; absent without any. */
  volumeImages?: string[];
  /** Absolute path of the CRI log, or "". */
  logPath: string;
  user: { uid: number; gid: number; supplementalGroups: number[] };
  /** Name of the signal that asks it to stop (`SIGTERM`). */
  stopSignal: string;
  /** The container's cgroup below the delegated subtree, or "". */
  cgroup: string;
}

const times = ["createdAt", "startedAt", "finishedAt"] as const;

/** The containers table. Every method is one statement, committed when it returns. */
export class ContainerStore {
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #setSpec: StatementSync;
  readonly #spec: StatementSync;
  readonly #delete: StatementSync;
  readonly #all: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      "INSERT INTO containers (id, sandbox_id, name, record) VALUES (?, ?, ?, ?)",
    );
    this.#update = database.prepare("UPDATE containers SET record = ? WHERE id = ?");
    this.#setSpec = database.prepare("UPDATE containers SET record = ?, spec = ? WHERE id = ?");
    this.#spec = database.prepare("SELECT spec FROM containers WHERE id = ?");
    this.#delete = database.prepare("DELETE FROM containers WHERE id = ?");
    this.#all = database.prepare("SELECT record FROM containers");
  }

  /** Reserves id and name. ALREADY_EXISTS when the pod has a container of that name and attempt. */
  insert(record: ContainerRecord, name: string): void {
    try {
      this.#insert.run(record.id, record.sandboxId, name, encodeRecord(record));
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new LichenError({
        code: "ALREADY_EXISTS",
        operation: "reserve container name",
        object: name,
        reason: "the pod sandbox has a container of this name and attempt",
        hint: "remove it first, or use another attempt number",
        cause: error,
      });
    }
  }

  update(record: ContainerRecord): void {
    this.#update.run(encodeRecord(record), record.id);
  }

  /** As update, and keeps the OCI runtime spec (JSON) that the container was made from. */
  updateWithSpec(record: ContainerRecord, spec: string): void {
    this.#setSpec.run(encodeRecord(record), spec, record.id);
  }

  /** The OCI runtime spec as JSON; undefined when there is none yet. */
  spec(id: string): string | undefined {
    const row = this.#spec.get(id);
    return typeof row?.spec === "string" ? row.spec : undefined;
  }

  delete(id: string): void {
    this.#delete.run(id);
  }

  all(): ContainerRecord[] {
    return this.#all.all().map((row) => decodeRecord<ContainerRecord>(String(row.record), times));
  }
}
