import type { Command } from "commander";
import { misuse, withDaemon } from "../context.ts";
import { secondsOption } from "../options.ts";
import { findContainer } from "../targets.ts";

interface ExecOptions {
  interactive?: boolean;
  tty?: boolean;
  timeout: number;
}

/** `lichen exec CONTAINER COMMAND…`: by ExecSync, so what the command prints comes when it has ended. */
export function exec(program: Command): void {
  program
    .command("exec")
    .description("run a command in a container and show what it printed")
    .argument("<container>", "name or id")
    .argument("<command...>", "the command and its arguments")
    .option("-i, --interactive", "not available yet: needs streaming")
    .option("-t, --tty", "not available yet: needs streaming")
    .option("--timeout <seconds>", "kill the command after this long; 0 waits for ever", secondsOption, 0)
    .passThroughOptions()
    .action(async (name: string, cmd: string[], options: ExecOptions, command: Command) => {
      if (options.interactive || options.tty) {
        const hint = `without -i and -t: lichen exec ${name} ${cmd.join(" ")}`;
        throw misuse(
          "exec",
          name,
          "a terminal or standard input needs streaming, which is not built yet",
          hint,
        );
      }
      await withDaemon(command, async ({ client }) => {
        const { id } = await findContainer(client, name);
        const result = await client.execSync({ containerId: id, cmd, timeout: options.timeout });
        process.stdout.write(result.stdout);
        process.stderr.write(result.stderr);
        process.exitCode = result.exitCode;
      });
    });
}
