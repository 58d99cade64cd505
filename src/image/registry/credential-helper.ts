import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { LichenError } from "../../errors.ts";
import type { Credentials } from "./credentials.ts";

/** How long a helper may take; it may ask a person to unlock a key ring. */
const usualTimeoutMs = 60_000;
const maximumOutput = 1024 * 1024;
/** What helpers write when they simply have nothing (docker-credential-helpers, credentials/error.go). */
const nothingFound = /credentials not found/i;

export interface HelperOptions {
  environment: NodeJS.ProcessEnv;
  /** The ids that the helper is to see as its own; see `asUser`. */
  user?: { uid: number; gid: number } | undefined;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Programs called docker-credential-NAME that keep credentials elsewhere: in a key ring, or with a cloud
 * (docker-credential-helpers, README.md, "Development"). Errors: FAILED_PRECONDITION when the program is missing or
 * fails, DEADLINE_EXCEEDED when it does not end.
 */
export class CredentialHelper {
  readonly #name: string;
  readonly #options: HelperOptions;

  constructor(name: string, options: HelperOptions) {
    this.#name = name;
    this.#options = options;
  }

  /** The program's name, for messages. */
  get program(): string {
    return `docker-credential-${this.#name}`;
  }

  /** The credentials for a server, or undefined when there are none. */
  async get(server: string): Promise<Credentials | undefined> {
    const { status, stdout, stderr } = await this.#run("get", server);
    if (status !== 0) {
      if (nothingFound.test(stdout) || nothingFound.test(stderr)) return undefined;
      throw this.#failure(`it ended with status ${status}: ${said(stdout, stderr)}`);
    }
    const { Username: name, Secret: secret } = this.#parse(stdout);
    if (typeof name !== "string" || typeof secret !== "string")
      throw this.#failure("its answer lacks Username or Secret");
    if (name === "" && secret === "") return undefined;
    if (name === "<token>") return { kind: "identity", token: secret };
    return { kind: "password", username: name, password: secret };
  }

  async store(server: string, username: string, secret: string): Promise<void> {
    await this.#mustRun("store", JSON.stringify({ ServerURL: server, Username: username, Secret: secret }));
  }

  /** Nothing to erase is success. */
  async erase(server: string): Promise<void> {
    await this.#mustRun("erase", server);
  }

  async #mustRun(action: string, input: string): Promise<void> {
    const { status, stdout, stderr } = await this.#run(action, input);
    if (status === 0 || (action === "erase" && nothingFound.test(stdout + stderr))) return;
    throw this.#failure(`${action} ended with status ${status}: ${said(stdout, stderr)}`);
  }

  #parse(text: string): { Username?: unknown; Secret?: unknown } {
    try {
      const answer: unknown = JSON.parse(text);
      if (typeof answer === "object" && answer !== null) return answer;
    } catch {}
    // Without the text: it may hold a secret.
    throw this.#failure("its answer is no JSON object");
  }

  async #run(action: string, input: string): Promise<Output> {
    const { environment, user, timeoutMs = usualTimeoutMs, signal } = this.#options;
    if (!/^[\w.-]+$/.test(this.#name)) throw this.#failure("this is no name of a credential helper");
    const program = findProgram(this.program, environment);
    if (program === undefined)
      throw this.#failure(
        "there is no such program in PATH",
        "install it, or take it out of credsStore and credHelpers in the file of credentials, then `lichen login` again",
      );
    const start = async (command: string[]): Promise<Output> => {
      const [file = program, ...args] = command;
      try {
        return await runToEnd({ file, args, input, environment, timeoutMs, signal });
      } catch (error) {
        if (signal?.aborted === true || error instanceof LichenError) throw error;
        throw this.#failure(error instanceof Error ? error.message : String(error));
      }
    };
    const inside = asUser(program, action, environment, user);
    const output = inside === undefined ? undefined : await start(inside);
    // Not every machine allows a namespace further in; most helpers do without.
    const notBegun = output === undefined || (output.status !== 0 && output.stderr.startsWith("unshare: "));
    return notBegun ? start([program, action]) : output;
  }

  #failure(reason: string, hint?: string): LichenError {
    return new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "run credential helper",
      object: this.program,
      reason,
      hint: hint ?? `try it by hand: echo HOST | ${this.program} get`,
    });
  }
}

interface Output {
  status: number;
  stdout: string;
  stderr: string;
}

function said(stdout: string, stderr: string): string {
  return (stderr.trim() || stdout.trim() || "it said nothing").slice(0, 500);
}

function findProgram(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  return (environment.PATH ?? "")
    .split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * In the daemon's user namespace every process is root, and a key ring behind D-Bus would turn it away: the bus compares the
 * id that a client claims with the one that the kernel tells it, the plain user's. A user namespace further in
 * gives the helper that id back.
 */
function asUser(
  program: string,
  action: string,
  environment: NodeJS.ProcessEnv,
  user: { uid: number; gid: number } | undefined,
): string[] | undefined {
  const unshare = user === undefined ? undefined : findProgram("unshare", environment);
  if (user === undefined || unshare === undefined) return undefined;
  const ids = [`--map-user=${user.uid}`, `--map-group=${user.gid}`];
  return [unshare, "--user", ...ids, "--", program, action];
}

interface Run {
  file: string;
  args: string[];
  input: string;
  environment: NodeJS.ProcessEnv;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** A session of its own, so that what the helper started ends with it when its time is over. */
function runToEnd({ file, args, input, environment, timeoutMs, signal }: Run): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: environment, stdio: "pipe", detached: true });
    const output = { stdout: "", stderr: "" };
    const end = (reason: unknown) => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        killGroup(child.pid);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      reject(reason);
    };
    const timer = setTimeout(() => end(tooSlow(file, args, timeoutMs)), timeoutMs);
    const onAbort = () => end(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8");
      child[name].on("data", (text: string) => {
        output[name] += text;
        if (output[name].length > maximumOutput) end(new Error(`it writes more than ${maximumOutput} bytes`));
      });
    }
    // A helper need not read what it is told.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", (error) => {
      finish();
      reject(error);
    });
    child.once("close", (status, ended) => {
      finish();
      if (ended !== null) reject(new Error(`it was ended by ${ended}`));
      else resolve({ status: status ?? -1, ...output });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function tooSlow(file: string, args: string[], timeoutMs: number): LichenError {
  return new LichenError({
    code: "DEADLINE_EXCEEDED",
    operation: "run credential helper",
    object: [file, ...args].join(" "),
    reason: `it did not end within ${timeoutMs / 1000} s`,
    hint: "it may be waiting for somebody to unlock a key ring",
  });
}
