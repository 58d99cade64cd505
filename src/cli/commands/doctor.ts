import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Command } from "commander";
import { resolvePaths } from "../../config/paths.ts";
import { colours } from "../colours.ts";
import { type GlobalOptions, withDaemon } from "../context.ts";
import {
  conditionFindings,
  type Finding,
  machineFindings,
  privilegeFindings,
  type Trial,
} from "../doctor.ts";
import { appArmorProfilePath, launcherPath } from "../installation.ts";
import { leakFindings, look } from "../leaks.ts";
import { json, table } from "../output.ts";
import { explain } from "../report.ts";
import { socketOf } from "../socket.ts";

interface DoctorOptions extends GlobalOptions {
  dataDir?: string;
  apparmorProfile?: true;
}

/** `lichen doctor`: what this machine allows, how the daemon does, what was left behind. Status 1 when something essential is missing. */
export function doctor(program: Command): void {
  program
    .command("doctor")
    .description("show what works here, what is missing, and the command that mends it")
    .option("--data-dir <directory>", "the daemon's data directory; default $XDG_DATA_HOME/lichen")
    .option("--apparmor-profile", "print the AppArmor profile of containers, for an administrator to load")
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      if (options.apparmorProfile) {
        process.stdout.write(readFileSync(appArmorProfilePath(), "utf8"));
        return;
      }
      const findings = [...(await machine()), ...(await daemon(command, options))];
      const text =
        options.output === "json" ? json(findings) : table(["", "WHAT", "FOUND"], findingRows(findings));
      process.stdout.write(text);
      if (findings.some(({ ok, essential }) => essential && !ok)) process.exitCode = 1;
    });
}

async function machine(): Promise<Finding[]> {
  const { stdout } = await promisify(execFile)(launcherPath(), ["check"]);
  return machineFindings(JSON.parse(stdout) as Trial[]);
}

/** A daemon that does not run is no fault of the machine. */
async function daemon(command: Command, options: DoctorOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { runtimeDir, dataDir } = resolvePaths(options, process.env, process.getuid?.() ?? 0);
  try {
    await withDaemon(command, async ({ client }) => {
      const [{ status, info }, { items }, { containers }] = await Promise.all([
        client.status({ verbose: true }),
        client.listPodSandbox({}),
        client.listContainers({}),
      ]);
      findings.push(...conditionFindings(status?.conditions ?? []), ...privilegeFindings(info));
      findings.push(...leakFindings(look({ runtimeDir, dataDir }), items, containers));
    });
  } catch (error) {
    const { message, hint = "" } = explain(error, socketOf(options));
    return [
      {
        what: "daemon",
        ok: false,
        essential: false,
        detail: message,
        mend: hint.replace("start it with: ", ""),
      },
    ];
  }
  return findings;
}

/** A line for what was found and, below it, the command that mends it. */
export function findingRows(findings: Finding[]): string[][] {
  return findings.flatMap(({ what, ok, essential, detail, mend }) => {
    const bad = essential ? colours.red("missing") : colours.yellow("missing");
    const row = [ok ? colours.green("ok") : bad, what, detail];
    return ok || mend === "" ? [row] : [row, ["", "", `mend: ${colours.bold(mend)}`]];
  });
}
