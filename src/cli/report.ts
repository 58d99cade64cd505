import { LichenError } from "../errors.ts";
import { colours } from "./colours.ts";

/** Exit status for wrong use; 1 is for what failed while it was done. */
export const misuseStatus = 2;

/** Exit status of `run` and `exec`, which pass on that of the container's command, for all else that fails: docker's and podman's. */
const notTheCommandsStatus = 125;

/** What a gRPC call fails with; described here so that reporting an error does not load gRPC. */
interface CallError extends Error {
  code: number;
  /** The daemon's own words, its hint in parentheses at the end. */
  details: string;
  metadata: { get(key: string): (string | Buffer)[] };
}

/** The metadata in which the daemon tells the hint alone, as UTF-8. */
const hintKey = "lichen-hint-bin";

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
    const [hint] = error.metadata.get(hintKey).map(String);
    if (hint === undefined) return { message: error.details };
    return { message: error.details.slice(0, -` (${hint})`.length), hint };
  }
  return { message: error instanceof Error ? error.message : String(error) };
}

/** An error of a command that could not be executed: `exitStatus` is what a shell answers for it, 126 or 127. */
export function notExecuted(error: unknown, exitStatus: number): unknown {
  return error instanceof Error ? Object.assign(error, { exitStatus }) : error;
}

/** What `lichen COMMAND` ends with when it fails. */
export function failureStatus(command: string, error: unknown): number {
  if (command !== "run" && command !== "exec") return 1;
  const { exitStatus } = error as { exitStatus?: number };
  return exitStatus === 126 || exitStatus === 127 ? exitStatus : notTheCommandsStatus;
}

/** Prints one line and a hint for each failure; the stack only on request. */
export function report(error: unknown, socket: string, debug: boolean): void {
  if (error instanceof AggregateError) {
    for (const one of error.errors) report(one, socket, debug);
    return;
  }
  const { message, hint } = explain(error, socket);
  process.stderr.write(`${colours.red("error:")} ${message}\n`);
  if (hint) process.stderr.write(`${colours.yellow("hint:")} ${hint}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}
