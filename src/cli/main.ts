import { Command, CommanderError, Option } from "commander";
import { attach } from "./commands/attach.ts";
import { cp } from "./commands/cp.ts";
import { doctor } from "./commands/doctor.ts";
import { enter } from "./commands/enter.ts";
import { events } from "./commands/events.ts";
import { exec } from "./commands/exec.ts";
import { image } from "./commands/image.ts";
import { images } from "./commands/images.ts";
import { inspect } from "./commands/inspect.ts";
import { load } from "./commands/load.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { logs } from "./commands/logs.ts";
import { network } from "./commands/network.ts";
import { pods } from "./commands/pods.ts";
import { port } from "./commands/port.ts";
import { portForward } from "./commands/port-forward.ts";
import { ps } from "./commands/ps.ts";
import { pull } from "./commands/pull.ts";
import { reset } from "./commands/reset.ts";
import { rm } from "./commands/rm.ts";
import { rmi } from "./commands/rmi.ts";
import { run } from "./commands/run.ts";
import { save } from "./commands/save.ts";
import { serve } from "./commands/serve.ts";
import { stats } from "./commands/stats.ts";
import { stop } from "./commands/stop.ts";
import { unit } from "./commands/unit.ts";
import { unshare } from "./commands/unshare.ts";
import { clientVersion, version } from "./commands/version.ts";
import type { GlobalOptions } from "./context.ts";
import { failureStatus, misuseStatus, report } from "./report.ts";
import { socketOf } from "./socket.ts";

/** In the order in which help shows them. */
const commands: Record<string, ((program: Command) => void)[]> = {
  "Containers and pods:": [
    run,
    ps,
    exec,
    attach,
    logs,
    stop,
    rm,
    cp,
    stats,
    events,
    inspect,
    pods,
    port,
    portForward,
    network,
  ],
  "Images:": [pull, images, rmi, load, save, image, login, logout],
  "This machine:": [serve, unit, doctor, enter, unshare, reset, version],
};

/** The whole command line. A new command is a file in commands/ and a line in the list above. */
function lichen(): Command {
  const program = addGlobalOptions(new Command("lichen"))
    .description("A Kubernetes container runtime that never needs root")
    .version(clientVersion, "-V, --version")
    .enablePositionalOptions()
    .showHelpAfterError("hint: add --help to see what is understood")
    .exitOverride();
  for (const [heading, group] of Object.entries(commands)) {
    program.commandsGroup(heading);
    for (const add of group) add(program);
  }
  // Understood before and after the command's name, yet never within the command line that `exec` and `run` pass on.
  for (const command of program.commands)
    for (const each of [command, ...command.commands]) addGlobalOptions(each);
  return program;
}

/**
 * No defaults here: an ancestor's value, a default too, hides what was given after the command's name. `-o` of `save` is a file, as docker
 * and podman have it.
 */
function addGlobalOptions(command: Command): Command {
  if (command.parent !== null) command.optionsGroup("Global options:");
  command
    .option("--address <socket>", "the daemon's CRI socket")
    .option("--runtime-dir <directory>", "the daemon's runtime directory; default $XDG_RUNTIME_DIR/lichen");
  const format = new Option("-o, --output <format>", "how to print; default table").choices([
    "table",
    "json",
  ]);
  if (command.options.every(({ short }) => short !== format.short)) command.addOption(format);
  return command.option("--debug", "show where an error comes from");
}

const program = lichen();
/** The command that runs, for its options. */
let running = program;
program.hook("preAction", (_program, command) => {
  running = command;
});
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : misuseStatus;
  } else {
    const options = running.optsWithGlobals<GlobalOptions>();
    report(error, socketOf(options), options.debug === true);
    process.exitCode = failureStatus(running.name(), error);
  }
}
