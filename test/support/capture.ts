import { spawn } from "node:child_process";

export interface Captured {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end and gives everything it printed. It never rejects for an exit status. */
export function capture(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Captured> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env });
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
