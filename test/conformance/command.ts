// Commands that the preparation runs: quiet when they succeed, with the end of what they said when they do not.
import { spawn } from "node:child_process";

/** How many lines of a failed command's output its error carries. */
const tailLines = 20;

export interface CommandOptions {
  cwd?: string;
  /** Added to our own environment. */
  env?: NodeJS.ProcessEnv;
  input?: string;
}

/** Runs a command to its end and gives its standard output. Fails with the last lines of all its output unless the exit status is 0. */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env } });
    let output = "";
    let everything = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      everything += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      everything += text;
    });
    // A command that ends without reading its input is judged by its exit status.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    const line = [command, ...args].join(" ");
    child.on("error", (error) => reject(new Error(`${line}: ${error.message}`)));
    child.on("close", (status, signal) => {
      if (status === 0) return resolve(output);
      const tail = everything.trimEnd().split("\n").slice(-tailLines).join("\n");
      reject(new Error(`${line}: ended with ${signal ?? `status ${status}`}\n${tail}`));
    });
  });
}
