import { DatabaseSync } from "node:sqlite";
import { LichenError } from "../errors.ts";
import type { Migration } from "./migration.ts";
import { imagesMigrations } from "./schema/images.ts";
import { podsMigrations } from "./schema/pods.ts";

const migrations: readonly Migration[] = [...podsMigrations, ...imagesMigrations];

export interface DatabaseOptions {
  /** true: a commit survives power loss (synchronous=FULL, ~3.5 ms); false: it survives our own death (~0.1 ms). */
  durable: boolean;
}

/**
 * Opens (and makes, and migrates) the state database at `path`. Several connections to one file are fine in one
 * process: images use a durable one, pods one that is not, since no pod outlives a power cut.
 */
export function openDatabase(path: string, options: DatabaseOptions): DatabaseSync {
  try {
    const database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;");
    database.exec(`PRAGMA synchronous=${options.durable ? "FULL" : "NORMAL"}; PRAGMA cache_size=-1024;`);
    migrate(database);
    return database;
  } catch (error) {
    if (error instanceof LichenError) throw error;
    throw new LichenError({
      code: "INTERNAL",
      operation: "open state database",
      object: path,
      reason: error instanceof Error ? error.message : String(error),
      hint: "move the file away to start with empty state; running containers are found again by their monitors",
      cause: error,
    });
  }
}

function migrate(database: DatabaseSync): void {
  database.exec("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT");
  const done = new Set(
    database
      .prepare("SELECT name FROM migrations")
      .all()
      .map((row) => String(row.name)),
  );
  for (const step of migrations) {
    if (done.has(step.name)) continue;
    transaction(database, () => {
      database.exec(step.sql);
      database.prepare("INSERT INTO migrations (name) VALUES (?)").run(step.name);
    });
  }
}

/** Runs `work` in one immediate transaction: all of it is committed, or, when it throws, none. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk, among others, makes SQLite roll back by itself (https://sqlite.org/lang_transaction.html).
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Whether `error` says that a row with the same key exists. */
export function isUniqueViolation(error: unknown): boolean {
  // https://sqlite.org/rescode.html: SQLITE_CONSTRAINT_PRIMARYKEY 1555, SQLITE_CONSTRAINT_UNIQUE 2067.
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return code === 1555 || code === 2067;
}
