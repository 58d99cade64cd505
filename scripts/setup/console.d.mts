import type { SpawnOptions } from "node:child_process";

export function green(text: string): string;
export function red(text: string): string;
export function yellow(text: string): string;
export function dim(text: string): string;
export class SetupError extends Error {
  constructor(message: string, hint?: string);
  hint: string | undefined;
}
export function fail(error: unknown): never;
export function step(title: string, work: () => unknown): Promise<void>;
export function run(command: string, args: string[], options?: SpawnOptions): Promise<string>;
