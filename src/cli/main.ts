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
import { report } from "./report.ts";
import { socketOf } from "./socket.ts";

/** Wrong use; 1 is for what failed while it was done. `run` and `exec` pass on the exit code of the container's command. */
const misuseStatus = 2;

const commands = [
  serve,
  run,
  ps,
  pods,
  exec,
  attach,
  cp,
  portForward,
  logs,
  stats,
  events,
  port,
  network,
  inspect,
  stop,
  rm,
  image,
  images,
  pull,
  rmi,
  login,
  logout,
  load,
  save,
  enter,
  unshare,
  reset,
  doctor,
  unit,
  version,
];

/** The whole command line. A new command is a file in commands/ and a line in the list above. */
function lichen(): Command {
  const program = addGlobalOptions(new Command("lichen"))
    .description("A Kubernetes container runtime that never needs root")
    .version(clientVersion, "-V, --version")
    .enablePositionalOptions()
    .showHelpAfterError("hint: add --help to see what is understood")
    .exitOverride();
  for (const add of commands) add(program);
  // Understood before and after the command's name, yet never within the command line that `exec` and `run` pass on.
  for (const command of program.commands)
    for (const each of [command, ...command.commands]) addGlobalOptions(each);
  return program;
}

/** No defaults here: an ancestor's value, a default too, hides what was given after the command's name. */
function addGlobalOptions(command: Command): Command {
  return command
    .option("--address <socket>", "the daemon's CRI socket")
    .option("--runtime-dir <directory>", "the daemon's runtime directory; default $XDG_RUNTIME_DIR/lichen")
    .addOption(new Option("-o, --output <format>", "how to print; default table").choices(["table", "json"]))
    .option("--debug", "show where an error comes from");
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
    process.exitCode = 1;
  }
}
