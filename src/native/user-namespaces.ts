import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { distFile } from "./locate.ts";

/** Tries whether the kernel lets pods have user namespaces of their own: undefined, or why not. */
export async function tryUserNamespace(): Promise<string | undefined> {
  try {
    await promisify(execFile)(distFile("bin/lichen-monitor"), ["try-user-namespace"]);
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return (stderr || message).trim().replace(/^lichen-monitor: /, "");
  }
}
