import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseProcessStat, statField } from "../process-stat.ts";
import { entries } from "../quiet-files.ts";

/** A process of an instance that lives, and the file that names it. */
export interface LiveProcess {
  pid: number;
  what: "launcher" | "daemon" | "monitor";
}

/** The processes that the PID files of a runtime directory name, as far as they live. */
export function liveProcesses(runtimeDir: string): LiveProcess[] {
  const pods = entries(join(runtimeDir, "pods"));
  const files: [LiveProcess["what"], string][] = [
    ["launcher", join(runtimeDir, "launcher.pid")],
    ["daemon", join(runtimeDir, "daemon.pid")],
    ...pods.map((pod): [LiveProcess["what"], string] => [
      "monitor",
      join(runtimeDir, "pods", pod, "monitor.pid"),
    ]),
  ];
  return files.flatMap(([what, file]) => {
    const pid = livePid(file);
    return pid === undefined ? [] : [{ pid, what }];
  });
}

/** Of "PID STARTTIME". */
function livePid(file: string): number | undefined {
  try {
    const [pid = "", started = ""] = readFileSync(file, "utf8").trim().split(" ");
    const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return stat(statField.startTime) === started && stat(statField.state) !== "Z" ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

/** Why a directory is not taken for an instance's data directory; undefined when it is one, or is not there. */
export function notOurs(dataDir: string): string | undefined {
  if (!existsSync(dataDir) || existsSync(join(dataDir, "state.db")) || entries(dataDir).length === 0)
    return undefined;
  return "it holds files, but no state.db: it is not a data directory of lichen";
}
