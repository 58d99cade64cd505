import type { Command } from "commander";
import { withDaemon } from "../context.ts";
import { bytes, shortId } from "../format.ts";

interface PruneOptions {
  all?: boolean;
  dryRun?: boolean;
}

/** `lichen image prune`: removes what no container uses. */
export function imagePrune(group: Command): void {
  group
    .command("prune")
    .description("remove images without a tag that no container uses")
    .option("-a, --all", "all images that no container uses")
    .option("--dry-run", "only say what would be removed")
    .action(async ({ all = false, dryRun = false }: PruneOptions, command: Command) => {
      await withDaemon(command, async ({ images, print }) => {
        const pruned = await images().prune({ all, dryRun });
        print(pruned, ["IMAGE", "ID"], () =>
          pruned.images.map(({ id, names }) => [names[0] ?? "<none>", shortId(id)]),
        );
        process.stderr.write(`${dryRun ? "would free" : "freed"} ${bytes(pruned.bytes)}\n`);
      });
    });
}
