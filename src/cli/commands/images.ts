import type { Command } from "commander";
import type { Image } from "#cri";
import { withDaemon } from "../context.ts";
import { bytes, shortId } from "../format.ts";
import { printIds } from "../output.ts";

interface ImagesOptions {
  digests?: boolean;
  quiet?: boolean;
}

/** `lichen images`, `lichen image ls`: what is here. */
export function images(program: Command, name = "images", ...aliases: string[]): void {
  program
    .command(name)
    .aliases(aliases)
    .description("list images")
    .argument("[image]", "only the image of this name or id")
    .option("--digests", "show what registries call them by content")
    .option("-q, --quiet", "print ids only")
    .action(async (image: string | undefined, { digests, quiet }: ImagesOptions, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const filter = image === undefined ? {} : { filter: { image: { image } } };
        const { images: found } = await client.listImages(filter);
        if (quiet) printIds(found);
        else if (digests) print(found, ["DIGEST", "ID", "SIZE"], () => imageRows(found, "repoDigests"));
        else print(found, ["IMAGE", "ID", "SIZE"], () => imageRows(found, "repoTags"));
      });
    });
}

/** One row a tag, as people look for names, or one a digest; an image without a tag goes by its digest. */
export function imageRows(found: Image[], names: "repoTags" | "repoDigests" = "repoTags"): string[][] {
  return found.flatMap((image) => {
    const own = image[names].length > 0 ? image[names] : image.repoDigests.slice(0, 1);
    return (own.length > 0 ? own : ["<none>"]).map((name) => [
      image.pinned ? `${name} (pinned)` : name,
      shortId(image.id),
      bytes(image.size),
    ]);
  });
}
