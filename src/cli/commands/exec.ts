import type { Command } from "commander";
import { misuse, withDaemon } from "../context.ts";
import { secondsOption } from "../options.ts";
import { execHere } from "../streams/exec.ts";
import { findContainer } from "../targets.ts";

interface ExecOptions {
  interactive?: boolean;
  tty?: boolean;
  timeout: number;
}

/** `lichen exec CONTAINER COMMAND…`: with this terminal, or with pipes; its exit code becomes ours. */
export function exec(program: Command): void {
  program
    .command("exec")
    .description("run a command in a container")
    .argument("<container>", "name or id")
    .argument("<command...>", "the command and its arguments")
    .option("-i, --interactive", "pass standard input on")
    .option("-t, --tty", "give it a terminal")
    .option("--timeout <seconds>", "kill the command after this long; 0 waits for ever", secondsOption, 0)
    .passThroughOptions()
    .action(async (name: string, cmd: string[], options: ExecOptions, command: Command) => {
      const { interactive = false, tty = false, timeout } = options;
      if (timeout > 0 && (interactive || tty)) {
        throw misuse("exec", name, "--timeout does not go with -i and -t", "leave --timeout out");
      }
      await withDaemon(command, async ({ client }) => {
        const { id: containerId } = await findContainer(client, name);
        if (timeout === 0) {
          process.exitCode = await execHere(client, containerId, cmd, { interactive, tty });
          return;
        }
        // ExecSync kills what takes too long; its output comes when the command has ended.
        const result = await client.execSync({ containerId, cmd, timeout });
        process.stdout.write(result.stdout);
        process.stderr.write(result.stderr);
        process.exitCode = result.exitCode;
      });
    });
}
