import type { Command } from "commander";
import { withDaemon } from "../context.ts";
import { noImage } from "../images/missing.ts";
import { json } from "../output.ts";
import { imageDetails } from "./inspect.ts";

/** `lichen image inspect IMAGE…`: everything about images, as a JSON list. */
export function imageInspect(group: Command): void {
  group
    .command("inspect")
    .description("show everything about images, as JSON")
    .argument("<images...>", "names or ids")
    .action(async (names: string[], _options: object, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        const found: object[] = [];
        for (const name of names) {
          const details = await imageDetails(client, name);
          if (details === undefined) throw noImage("inspect image", name);
          found.push(details);
        }
        process.stdout.write(json(found));
      });
    });
}
