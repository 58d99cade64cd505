import { spawn } from "node:child_process";

export interface Captured {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, `input` as its standard input, and gives everything it printed. It never rejects for an exit status. */
export function capture(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  input?: string,
): Promise<Captured> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "pipe", env });
    // The program need not read it.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const printed = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      printed.stderr += text;
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, ...printed }));
  });
}
