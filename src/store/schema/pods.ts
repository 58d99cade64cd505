import type { Migration } from "../migration.ts";

/**
 * Pods, their containers and their addresses. Only what must be found or kept unique is a column; the rest of a record is
 * JSON, since it is always read whole. `spec` is apart because it is large and seldom wanted.
 */
export const podsMigrations: readonly Migration[] = [
  {
    name: "pods-1",
    sql: `
      CREATE TABLE pods (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        record TEXT NOT NULL
      ) STRICT;
      CREATE TABLE containers (
        id TEXT PRIMARY KEY,
        sandbox_id TEXT NOT NULL REFERENCES pods (id),
        name TEXT NOT NULL UNIQUE,
        record TEXT NOT NULL,
        spec TEXT
      ) STRICT;
      CREATE INDEX containers_of_sandbox ON containers (sandbox_id);
      CREATE TABLE addresses (
        address TEXT PRIMARY KEY,
        sandbox_id TEXT NOT NULL
      ) STRICT;
    `,
  },
  {
    name: "settings-1",
    sql: "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
  },
];
