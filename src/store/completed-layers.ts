import { readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { transaction } from "./database.ts";
import type { StoredLayer } from "./images.ts";

/**
 * Layers that are complete but whose image is not yet. After the daemon's own death they are taken over and need not be fetched
 * again; after a power loss nobody knows what of them is on the disk, so they count only within one boot of the machine.
 */
export class CompletedLayers {
  readonly #database: DatabaseSync;
  readonly #boot: string;

  /** `boot`: what tells this boot from all others. */
  constructor(database: DatabaseSync, boot = bootId()) {
    this.#database = database;
    this.#boot = boot;
  }

  /** Notes a layer whose directory has its name. Need not survive a power loss, so it does not wait for the disk. */
  note({ chainId, bytes, inodes }: StoredLayer): void {
    this.#database.exec("PRAGMA synchronous=NORMAL");
    try {
      this.#database
        .prepare("INSERT OR REPLACE INTO completed_layers VALUES (?, ?, ?, ?)")
        .run(chainId, bytes, inodes, this.#boot);
    } finally {
      this.#database.exec("PRAGMA synchronous=FULL");
    }
  }

  /** At start: what there may be beside the layers of images; forgets it all. */
  take(): StoredLayer[] {
    return transaction(this.#database, () => {
      const rows = this.#database
        .prepare("DELETE FROM completed_layers RETURNING chain_id, bytes, inodes, boot")
        .all();
      return rows
        .filter(({ boot }) => boot === this.#boot)
        .map((row) => ({
          chainId: String(row.chain_id),
          bytes: Number(row.bytes),
          inodes: Number(row.inodes),
        }));
    });
  }
}

/** proc(5), /proc/sys/kernel/random/boot_id. */
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
}
