import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Which pod holds which address of the built-in network. */
export class AddressStore {
  readonly #insert: StatementSync;
  readonly #release: StatementSync;
  readonly #all: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT OR IGNORE INTO addresses (address, sandbox_id) VALUES (?, ?)");
    this.#release = database.prepare("DELETE FROM addresses WHERE sandbox_id = ? RETURNING address");
    this.#all = database.prepare("SELECT address, sandbox_id FROM addresses");
  }

  /** Takes `address` for the pod; false when it is taken already. */
  take(address: string, sandboxId: string): boolean {
    return this.#insert.run(address, sandboxId).changes === 1;
  }

  /** Gives back every address of the pod, and says which; fine when it has none. */
  release(sandboxId: string): string[] {
    return this.#release.all(sandboxId).map((row) => String(row.address));
  }

  all(): { address: string; sandboxId: string }[] {
    return this.#all
      .all()
      .map((row) => ({ address: String(row.address), sandboxId: String(row.sandbox_id) }));
  }
}
