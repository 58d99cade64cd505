import type { Command } from "commander";
import { ContainerState } from "#cri";
import { misuse, withDaemon } from "../context.ts";
import { follow, LogFile } from "../follow.ts";
import { type LogLine, printed, tail } from "../log.ts";
import { countOption } from "../options.ts";
import { findContainer } from "../targets.ts";

interface LogOptions {
  follow?: boolean;
  tail?: number;
  timestamps?: boolean;
}

/** `lichen logs CONTAINER`: reads the file that the container's status names. */
export function logs(program: Command): void {
  program
    .command("logs")
    .description("show what a container has printed")
    .argument("<container>", "name or id")
    .option("-f, --follow", "go on until the container ends")
    .option("--tail <lines>", "only the last lines", countOption)
    .option("-t, --timestamps", "begin every line with its time")
    .action(async (name: string, options: LogOptions, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        const { id } = await findContainer(client, name);
        const status = async () => (await client.containerStatus({ containerId: id })).status;
        const path = (await status())?.logPath;
        if (!path) {
          const hint =
            "pods get logs when their configuration has log_directory, as those of `lichen run` have";
          throw misuse("logs", name, "this container was made without a log", hint);
        }
        const log = new LogFile(path);
        const first = await log.read();
        printLines(options.tail === undefined ? first : tail(first, options.tail), options.timestamps);
        const ended = async () => (await status())?.state !== ContainerState.CONTAINER_RUNNING;
        if (options.follow) await follow(log, ended, (lines) => printLines(lines, options.timestamps));
        await log.close();
      });
    });
}

/** Prints each line to the stream that the process wrote it to. */
export function printLines(lines: LogLine[], timestamps = false): void {
  for (const line of lines) {
    const text = timestamps ? `${line.time} ${printed(line)}` : printed(line);
    (line.stream === "stderr" ? process.stderr : process.stdout).write(text);
  }
}
