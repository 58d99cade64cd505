import type { DatabaseSync } from "node:sqlite";

/** What a node has once chosen for itself and keeps: by name, a text. */
export class SettingStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The setting's value; undefined when it has none. */
  get(name: string): string | undefined {
    const found = this.#database.prepare("SELECT value FROM settings WHERE name = ?").get(name);
    return found === undefined ? undefined : String(found.value);
  }

  set(name: string, value: string): void {
    this.#database.prepare("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)").run(name, value);
  }

  /** The setting's value; `choose` is asked when it has none, and its answer is kept. */
  keep(name: string, choose: () => string): string {
    const found = this.get(name);
    if (found !== undefined) return found;
    const value = choose();
    this.set(name, value);
    return value;
  }
}
