import { LichenError } from "../../errors.ts";
import { Connection, DbusError } from "./connection.ts";
import type { Message } from "./message.ts";
import type { Value, Variant } from "./values.ts";

const path = "/org/freedesktop/systemd1";
const managerInterface = "org.freedesktop.systemd1.Manager";
/** Longer than systemd itself waits for what it starts and stops. */
const patienceMs = 120_000;
const unlimited = 2n ** 64n - 1n;
/** Containers have this long to end by SIGTERM when the user's systemd itself is stopped. */
const stopPatienceUs = 30_000_000n;

/** A scope to be made around a process. */
export interface ScopeRequest {
  name: string;
  slice: string;
  description: string;
  /** The process that is moved into it. */
  pid: number;
}

/**
 * The user's systemd, which makes cgroups in its slices on request (org.freedesktop.systemd1(5)). It is spoken to over its private socket: no
 * bus daemon need run. A connection lasts as long as one job, so that nobody is woken by other units' news.
 */
export class UserManager {
  readonly #socket: string;
  readonly #uid: number;

  /** `uid`: the user's number on the host. */
  constructor(socket: string, uid: number) {
    this.#socket = socket;
    this.#uid = uid;
  }

  /**
   * Makes a scope below a slice, which is started where it is not there, and moves the process into it. What is below the scope is ours, with every controller
   * that systemd has; its own limits stay open. FAILED_PRECONDITION with systemd's reason when that fails.
   */
  async startScope({ name, slice, description, pid }: ScopeRequest): Promise<void> {
    const properties: [string, Variant][] = [
      ["Description", { type: "s", value: description }],
      ["Slice", { type: "s", value: slice }],
      ["Delegate", { type: "b", value: true }],
      ["PIDs", { type: "au", value: [pid] }],
      ["TasksMax", { type: "t", value: unlimited }],
      ["TimeoutStopUSec", { type: "t", value: stopPatienceUs }],
      // Nothing is kept of one that failed.
      ["CollectMode", { type: "s", value: "inactive-or-failed" }],
    ];
    const body: Value[] = [name, "fail", properties, []];
    await this.#job("start", name, "StartTransientUnit", "ssa(sv)a(sa(sv))", body);
  }

  /** Stops a unit; its processes get SIGTERM, and SIGKILL in the end. Fine when there is none. */
  async stopUnit(name: string): Promise<void> {
    try {
      await this.#job("stop", name, "StopUnit", "ss", [name, "replace"]);
    } catch (error) {
      const { cause } = error as { cause?: unknown };
      if (cause instanceof DbusError && cause.dbusName.endsWith(".NoSuchUnit")) return;
      throw error;
    }
  }

  /** Calls a method that answers with a job, and waits for the job's end. */
  async #job(verb: string, unit: string, member: string, signature: string, body: Value[]): Promise<void> {
    const ended = new Map<string, string>();
    let wake = () => {};
    const heed = ({ member, body }: Message) => {
      if (member !== "JobRemoved") return;
      const [, job, , result] = body.map(String);
      ended.set(job ?? "", result ?? "");
      wake();
    };
    const late = Promise.withResolvers<never>();
    const reason = `systemd has not come to an end of it for ${patienceMs / 1000} s`;
    const timer = setTimeout(() => late.reject(failure(verb, unit, reason, "UNAVAILABLE")), patienceMs);
    late.promise.catch(() => {});
    const connection = await Connection.open(this.#socket, this.#uid, heed);
    try {
      const call = { path, interface: managerInterface, member, signature, body };
      const [job] = await Promise.race([connection.call(call), late.promise]);
      // It may have ended before its name was known.
      while (!ended.has(String(job))) {
        const news = Promise.withResolvers<void>();
        wake = news.resolve;
        await Promise.race([news.promise, connection.failed, late.promise]);
      }
      const result = ended.get(String(job));
      if (result !== "done") throw failure(verb, unit, `the job's result is "${result}"`);
    } finally {
      clearTimeout(timer);
      connection.close();
    }
  }
}

function failure(
  verb: string,
  unit: string,
  reason: string,
  code: "FAILED_PRECONDITION" | "UNAVAILABLE" = "FAILED_PRECONDITION",
): LichenError {
  return new LichenError({
    code,
    operation: `${verb} systemd unit`,
    object: unit,
    reason,
    hint: `journalctl --user -u ${unit}`,
  });
}
