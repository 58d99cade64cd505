import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { GlobalOptions } from "../context.ts";
import { lichenPath } from "../installation.ts";
import { serviceUnit, systemdRelease } from "../unit.ts";

interface UnitCommandOptions extends GlobalOptions {
  config?: string;
  dataDir?: string;
}

/** `lichen unit`: the text of a systemd user unit for this installation, to be put into ~/.config/systemd/user/lichen.service. */
export function unit(program: Command): void {
  program
    .command("unit")
    .description("print a systemd user unit that runs the daemon")
    .option("--config <file>", "configuration file (TOML)")
    .option("--data-dir <directory>", "images and state; default $XDG_DATA_HOME/lichen")
    .action((_options: object, command: Command) => {
      const { runtimeDir, config, dataDir } = command.optsWithGlobals<UnitCommandOptions>();
      // A unit runs in no particular directory.
      const given = (option: string, value: string | undefined) => (value ? [option, resolve(value)] : []);
      const text = serviceUnit({
        lichen: [lichenPath(), ...given("--runtime-dir", runtimeDir)],
        options: [...given("--config", config), ...given("--data-dir", dataDir)],
        systemd: installedSystemd(),
      });
      process.stdout.write(text);
    });
}

function installedSystemd(): number {
  try {
    return systemdRelease(execFileSync("systemctl", ["--version"], { encoding: "utf8" }));
  } catch {
    // Printed for another machine, perhaps: what every release understands.
    return 0;
  }
}
