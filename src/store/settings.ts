import type { DatabaseSync } from "node:sqlite";

/** What a node has once chosen for itself and keeps: by name, a text. */
export class SettingStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The setting's value; `choose` is asked when it has none, and its answer is kept. */
  keep(name: string, choose: () => string): string {
    const found = this.#database.prepare("SELECT value FROM settings WHERE name = ?").get(name);
    if (found !== undefined) return String(found.value);
    const value = choose();
    this.#database.prepare("INSERT INTO settings (name, value) VALUES (?, ?)").run(name, value);
    return value;
  }
}
