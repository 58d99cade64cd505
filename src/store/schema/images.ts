import type { Migration } from "../migration.ts";

export const imagesMigrations: readonly Migration[] = [];
