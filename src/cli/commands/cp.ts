import type { Command } from "commander";
import { misuse, withDaemon } from "../context.ts";
import { copyFrom, copyTo } from "../streams/copy.ts";
import { findContainer } from "../targets.ts";

/** `lichen cp SOURCE TARGET`, one of them `CONTAINER:PATH`; the container's image must have tar. */
export function cp(program: Command): void {
  program
    .command("cp")
    .description("copy files into a container or out of it (needs tar there)")
    .argument("<source>", "PATH or CONTAINER:PATH")
    .argument("<target>", "CONTAINER:PATH or PATH")
    .action(async (source: string, target: string, _options: object, command: Command) => {
      const from = parsePlace(source);
      const to = parsePlace(target);
      if ((from.container === undefined) === (to.container === undefined)) {
        const hint = "as in: lichen cp web:/etc/hosts hosts; lichen cp ./site web:/srv/";
        throw misuse("cp", `${source} ${target}`, "one of the two must be in a container", hint);
      }
      if (source === "-" || target === "-") {
        const hint = "archives: lichen exec CONTAINER tar -c PATH; lichen exec -i CONTAINER tar -x";
        throw misuse("cp", `${source} ${target}`, "a stream is not copied, only files", hint);
      }
      await withDaemon(command, async ({ client }) => {
        const { id } = await findContainer(client, from.container ?? to.container ?? "");
        if (from.container !== undefined) await copyFrom(client, id, from.path, to.path);
        else await copyTo(client, id, from.path, to.path);
      });
    });
}

export interface Place {
  /** Undefined for a file here. */
  container: string | undefined;
  path: string;
}

/** A path here begins with `/` or `.` when it has a colon in it, as for kubectl. */
export function parsePlace(text: string): Place {
  const [, container, path] = /^([^:/.][^:/]*):(.*)$/s.exec(text) ?? [];
  if (container === undefined) return { container: undefined, path: text };
  return { container, path: path || "." };
}
