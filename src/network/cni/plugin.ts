import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { type Code, LichenError } from "../../errors.ts";

export type CniCommand = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** The parameters of one call (CNI spec, section 2); what a command has no use for is left out. */
export interface PluginCall {
  command: CniCommand;
  /** The pod sandbox's id. */
  containerId?: string;
  /** A path that leads to the network namespace; "" when it is gone. */
  netns?: string;
  ifname?: string;
  /** `KEY=VALUE;…` */
  args?: string;
}

export interface PluginHost {
  /** Where plugins are looked for, in this order. */
  directories: readonly string[];
  /** A call that takes longer is killed, with all that it has started. */
  timeoutMs: number;
  /** Added to what plugins get of our environment. */
  environment: Readonly<Record<string, string>>;
}

/** A plugin's result is a few kilobytes; one that prints for ever must not fill our memory. */
const maximumOutputBytes = 4 * 1024 * 1024;
const shownErrorBytes = 2048;
/** CNI spec, section 5: what "try again later", "not available" and "limited connectivity" are told by. */
const codes: Readonly<Record<number, Code>> = { 11: "UNAVAILABLE", 50: "UNAVAILABLE", 51: "UNAVAILABLE" };

/** The path of a plugin's program. FAILED_PRECONDITION when no directory has it. */
export function findPlugin(type: string, directories: readonly string[]): string {
  for (const directory of directories) {
    const path = join(directory, type);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next directory may have it.
    }
  }
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "find CNI plugin",
    object: type,
    reason: `no executable of that name in ${directories.join(", ")}`,
    hint: "install it (Debian: containernetworking-plugins), or set network.cni_plugin_directories",
  });
}

/**
 * Runs one plugin with `config` on its standard input, and answers what it has printed, parsed; undefined when that is nothing.
 * Errors: FAILED_PRECONDITION (not there, or it said so), DEADLINE_EXCEEDED, UNAVAILABLE (it asks to try later), INTERNAL when it
 * printed rubbish. Each has the plugin's own words, or the end of its standard error.
 */
export async function callPlugin(
  type: string,
  config: object,
  call: PluginCall,
  host: PluginHost,
): Promise<unknown> {
  const path = findPlugin(type, host.directories);
  const object = `${type}${call.containerId === undefined ? "" : ` for pod sandbox ${call.containerId}`}`;
  const operation = `CNI ${call.command} by`;
  const ran = await run(path, JSON.stringify(config), environmentOf(call, host), host.timeoutMs);
  const said = ran.stderr === "" ? "" : `; it wrote: ${ran.stderr.slice(-shownErrorBytes).trim()}`;
  if (ran.failure !== undefined) {
    throw new LichenError({
      code: "INTERNAL",
      operation,
      object,
      reason: `${path} cannot be run: ${ran.failure}`,
    });
  }
  if (ran.timedOut) {
    const reason = `it had not ended after ${host.timeoutMs / 1000} s and was killed${said}`;
    const hint = "the plugin hangs: look at what it waits for, or raise network.cni_timeout_seconds";
    throw new LichenError({ code: "DEADLINE_EXCEEDED", operation, object, reason, hint });
  }
  const printed = parseOutput(ran.stdout);
  if (ran.status === 0) {
    if (printed !== "rubbish") return printed;
    throw new LichenError({
      code: "INTERNAL",
      operation,
      object,
      reason: `it printed no JSON: ${JSON.stringify(ran.stdout.slice(0, 200))}${said}`,
      hint: "the plugin is broken, or the program of that name is no CNI plugin",
    });
  }
  throw new LichenError({ operation, object, ...toldFailure(printed, ran.status, said) });
}

/** The plugin's error object (CNI spec, section 5), or what else is known. */
function toldFailure(
  printed: unknown,
  status: string | number,
  said: string,
): { code: Code; reason: string } {
  const { code, msg, details } = (typeof printed === "object" && printed !== null ? printed : {}) as Record<
    string,
    unknown
  >;
  const words = [msg, details].filter((text) => typeof text === "string" && text !== "").join(": ");
  return {
    code: codes[Number(code)] ?? "FAILED_PRECONDITION",
    reason: words === "" ? `it ended with ${status}${said}` : `${words} (code ${code})${said}`,
  };
}

function environmentOf(call: PluginCall, host: PluginHost): Record<string, string> {
  const { PATH = "" } = process.env;
  const parameters = {
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_IFNAME: call.ifname,
    CNI_ARGS: call.args,
    CNI_PATH: host.directories.join(":"),
  };
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  // Plugins call iptables, nft and ip, which a plain user's PATH often lacks.
  return {
    PATH: `${PATH}:/usr/local/sbin:/usr/sbin:/sbin`,
    ...host.environment,
    ...Object.fromEntries(given),
  };
}

function parseOutput(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return "rubbish";
  }
}

interface Ran {
  status: string | number;
  stdout: string;
  stderr: string;
  timedOut: boolean;
  /** Why it could not even be started. */
  failure?: string;
}

function run(path: string, input: string, env: Record<string, string>, timeoutMs: number): Promise<Ran> {
  return new Promise((resolve) => {
    // A process group of its own: what hangs is often a program that the plugin has started.
    const child = spawn(path, [], { env, cwd: "/", stdio: ["pipe", "pipe", "pipe"], detached: true });
    const ran: Ran = { status: "", stdout: "", stderr: "", timedOut: false };
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(() => {
      ran.timedOut = true;
      kill();
      // Whoever holds the pipes after that is no longer waited for.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (ran.stdout.length + text.length > maximumOutputBytes) kill();
      else ran.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      ran.stderr = (ran.stderr + text).slice(-2 * shownErrorBytes);
    });
    // A plugin may end without reading all of its input.
    child.stdin.on("error", () => {});
    child.on("error", (error) => {
      ran.failure = error.message;
      clearTimeout(timer);
      resolve(ran);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      ran.status = code ?? signal ?? "an unknown status";
      resolve(ran);
    });
    child.stdin.end(input);
  });
}
