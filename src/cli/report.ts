import { LichenError } from "../errors.ts";
import { colours } from "./colours.ts";

/** What a gRPC call fails with; described here so that reporting an error does not load gRPC. */
interface CallError extends Error {
  code: number;
  /** The daemon's own words, its hint included. */
  details: string;
}

/** gRPC's own words, below, tell a daemon that is not there from one that could not reach a registry. */
const unavailable = 14;

function isCallError(error: unknown): error is CallError {
  return error instanceof Error && "details" in error && "code" in error;
}

/** The line and the hint that tell a person what went wrong and what to do. `socket` is the daemon's. */
export function explain(error: unknown, socket: string): { message: string; hint?: string } {
  if (error instanceof LichenError) {
    return { message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  }
  if (isCallError(error)) {
    if (error.code === unavailable && error.details.startsWith("No connection established")) {
      return { message: `connect ${socket}: no daemon listens there`, hint: "start it with: lichen serve" };
    }
    return { message: error.details };
  }
  return { message: error instanceof Error ? error.message : String(error) };
}

/** Prints one line and a hint; the stack only on request. */
export function report(error: unknown, socket: string, debug: boolean): void {
  const { message, hint } = explain(error, socket);
  process.stderr.write(`${colours.red("error:")} ${message}\n`);
  if (hint) process.stderr.write(`${colours.yellow("hint:")} ${hint}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}
