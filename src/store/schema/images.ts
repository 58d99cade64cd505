import type { Migration } from "../database.ts";

export const imagesMigrations: readonly Migration[] = [];
