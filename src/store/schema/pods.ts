import type { Migration } from "../database.ts";

export const podsMigrations: readonly Migration[] = [];
