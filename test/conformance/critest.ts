// One run of critest against a CRI socket.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Progress, ProgressReader } from "./progress.ts";
import { parseReport, type Report } from "./report.ts";

export interface CritestOptions {
  program: string;
  /** Command and arguments that start another command inside the runtime's namespaces. */
  enter: readonly string[];
  /** The CRI socket's path. */
  socket: string;
  /** Where the report, the log and critest's temporary files go; it must exist. */
  directory: string;
  /** Only specs whose whole name matches this regular expression (Go's syntax). */
  focus?: string | undefined;
  /** All specs but those whose whole name matches this regular expression. */
  skip?: string | undefined;
  /** The order of specs of an earlier run. */
  seed?: number | undefined;
  timeLimitMinutes: number;
  onProgress: (progress: Progress) => void;
}

/** How long after its own time limit critest may take to tidy up before it is killed. */
const graceMinutes = 1;

/** critest's command line. The names of options are Ginkgo's, with critest's own. */
export function critestArguments(options: CritestOptions, report: string): string[] {
  return [
    `--runtime-endpoint=unix://${options.socket}`,
    // Given too, or a crictl.yaml beside the working directory could name another one.
    `--image-endpoint=unix://${options.socket}`,
    `--ginkgo.json-report=${report}`,
    `--ginkgo.timeout=${options.timeLimitMinutes}m`,
    "--ginkgo.no-color",
    "--ginkgo.v",
    ...(options.focus ? [`--ginkgo.focus=${options.focus}`] : []),
    ...(options.skip ? [`--ginkgo.skip=${options.skip}`] : []),
    ...(options.seed === undefined ? [] : [`--ginkgo.seed=${options.seed}`]),
  ];
}

/**
 * Runs critest to its end and gives its report; what it printed is in `critest.log` of the directory. Fails when it leaves no
 * report: it then never came to run specs, or did not end.
 */
export async function runCritest(options: CritestOptions): Promise<Report> {
  const report = join(options.directory, "report.json");
  const log = join(options.directory, "critest.log");
  const [command = "", ...prefix] = options.enter;
  const output = openSync(log, "w");
  let ended = "";
  try {
    ended = await new Promise<string>((resolve, reject) => {
      const child = spawn(command, [...prefix, options.program, ...critestArguments(options, report)], {
        cwd: options.directory,
        // critest looks for settings of crictl in HOME, and makes host paths for its volumes in TMPDIR.
        env: { ...process.env, HOME: options.directory, TMPDIR: options.directory },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const reader = new ProgressReader(options.onProgress);
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        writeSync(output, text);
        reader.write(text);
      });
      child.stderr.on("data", (bytes: Buffer) => writeSync(output, bytes));
      const limit = setTimeout(
        () => child.kill("SIGKILL"),
        (options.timeLimitMinutes + graceMinutes) * 60_000,
      );
      child.on("error", (error) => reject(new Error(`${command}: ${error.message}`)));
      child.on("close", (status, signal) => {
        clearTimeout(limit);
        resolve(signal ?? `status ${status}`);
      });
    });
  } finally {
    closeSync(output);
  }
  if (!existsSync(report)) {
    const end = readFileSync(log, "utf8").trimEnd().split("\n").slice(-15).join("\n");
    throw new Error(`critest ended with ${ended} and left no report; the end of what it said:\n${end}`);
  }
  return parseReport(readFileSync(report, "utf8"));
}
