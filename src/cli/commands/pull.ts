import type { Command } from "commander";
import { withDaemon } from "../context.ts";
import { shortId } from "../format.ts";
import { showLayers } from "../images/show.ts";

interface PullOptions {
  quiet?: boolean;
}

/** `lichen pull REFERENCE`. */
export function pull(program: Command): void {
  program
    .command("pull")
    .description("fetch an image from its registry")
    .argument("<reference>", "for example docker.io/library/alpine:3.22")
    .option("-q, --quiet", "show no progress, and print the image's id only")
    .action(async (reference: string, { quiet }: PullOptions, command: Command) => {
      await withDaemon(command, async ({ images, print }) => {
        const steps = images().pull({ reference });
        const last = await showLayers(`pulling ${reference}`, steps, quiet ? silent : process.stderr);
        const imageRef = last?.imageId ?? "";
        if (quiet) process.stdout.write(`${imageRef}\n`);
        else print({ reference, imageRef }, ["IMAGE", "ID"], () => [[reference, shortId(imageRef)]]);
      });
    });
}

const silent = { write: () => {} };
