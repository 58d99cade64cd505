import type { Command } from "commander";
import type { Image } from "#cri";
import { withDaemon } from "../context.ts";
import { bytes, shortId } from "../format.ts";

/** `lichen images`: what has been pulled. */
export function images(program: Command): void {
  program
    .command("images")
    .description("list images")
    .action(async (_options: object, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const { images: found } = await client.listImages({});
        print(found, ["IMAGE", "ID", "SIZE"], () => imageRows(found));
      });
    });
}

/** One row a tag, as people look for names; an image without a tag goes by its digest. */
export function imageRows(found: Image[]): string[][] {
  return found.flatMap((image) => {
    const names = image.repoTags.length > 0 ? image.repoTags : image.repoDigests.slice(0, 1);
    return (names.length > 0 ? names : ["<none>"]).map((name) => [
      name,
      shortId(image.id),
      bytes(image.size),
    ]);
  });
}
