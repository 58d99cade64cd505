import type { Command } from "commander";
import { ContainerState } from "#cri";
import type { CriClient } from "../../../proto/client.ts";
import { LichenError } from "../../errors.ts";
import { misuse, withDaemon } from "../context.ts";
import { follow, LogFile } from "../follow.ts";
import { keepTail, type LogLine, printed, since, tail } from "../log.ts";
import { countOption, sinceOption } from "../options.ts";
import { findContainer } from "../targets.ts";

interface LogOptions {
  follow?: boolean;
  previous?: boolean;
  since?: string;
  tail?: number;
  timestamps?: boolean;
}

/** `lichen logs CONTAINER`: reads the files that the container's status names. */
export function logs(program: Command): void {
  program
    .command("logs")
    .description("show what a container has printed")
    .argument("<container>", "name or id")
    .option("-f, --follow", "go on until the container ends")
    .option("-p, --previous", "of the attempt before this one, in the same pod")
    .option("--since <time>", "only what is younger: 90s, 10m, 2h, or an RFC 3339 time", sinceOption)
    .option("--tail <lines>", "only the last lines", countOption)
    .option("-t, --timestamps", "begin every line with its time")
    .action(async (name: string, options: LogOptions, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        const { id: present } = await findContainer(client, name);
        const id = options.previous ? await previousOf(client, present) : present;
        const status = async () => (await client.containerStatus({ containerId: id })).status;
        const path = (await status())?.logPath;
        if (!path) {
          const hint =
            "pods get logs when their configuration has log_directory, as those of `lichen run` have";
          throw misuse("logs", name, "this container was made without a log", hint);
        }
        const log = new LogFile(path, () =>
          process.stderr.write("lines may be missing here: the log was rotated faster than it was read\n"),
        );
        const print = linePrinter(options.timestamps);
        const last: LogLine[] = [];
        for await (const lines of log.read()) {
          const young = since(lines, options.since);
          if (options.tail === undefined) print(young);
          else keepTail(last, young, options.tail);
        }
        if (options.tail !== undefined) print(tail(last, options.tail));
        const ended = async () => (await status())?.state !== ContainerState.CONTAINER_RUNNING;
        if (options.follow) await follow(log, ended, print);
        await log.close();
      });
    });
}

/** The last attempt at this container before the given one. */
async function previousOf(client: CriClient, id: string): Promise<string> {
  const { status } = await client.containerStatus({ containerId: id });
  const { containers } = await client.listContainers({});
  const own = containers.find((container) => container.id === id);
  const { name = "", attempt = 0 } = status?.metadata ?? {};
  const earlier = containers
    .filter(
      ({ podSandboxId, metadata }) =>
        podSandboxId === own?.podSandboxId && metadata?.name === name && metadata.attempt < attempt,
    )
    .sort((one, other) => (other.metadata?.attempt ?? 0) - (one.metadata?.attempt ?? 0));
  if (earlier[0]) return earlier[0].id;
  throw new LichenError({
    code: "NOT_FOUND",
    operation: "find previous attempt of container",
    object: name,
    reason: "there is none",
    hint: "a kubelet makes one when it restarts a container; without -p the present one's log is shown",
  });
}

/** Prints each line to the stream that the process wrote it to, its time once, however many records it is. */
function linePrinter(timestamps = false): (lines: LogLine[]) => void {
  const within = { stdout: false, stderr: false };
  return (lines) => {
    for (const line of lines) {
      const time = timestamps && !within[line.stream] ? `${line.time} ` : "";
      within[line.stream] = !line.complete;
      process[line.stream].write(time + printed(line));
    }
  };
}

/** As linePrinter, without times. */
export const printLines = linePrinter();
