import type { Command } from "commander";
import type { CriClient } from "../../../proto/client.ts";
import { LichenError } from "../../errors.ts";
import { withDaemon, withEach } from "../context.ts";
import { shortId } from "../format.ts";
import { noImage } from "../images/missing.ts";

interface RmiOptions {
  force?: boolean;
}

/**
 * `lichen rmi IMAGE…`, `lichen image rm IMAGE…`: takes a tag from an image that has more, and removes the image with the last
 * one; by its id the image goes with all its tags.
 */
export function rmi(program: Command, name = "rmi", ...aliases: string[]): void {
  program
    .command(name)
    .aliases(aliases)
    .description("remove images, or one of several tags")
    .argument("<images...>", "names or ids")
    .option("-f, --force", "also an image that containers use: they keep its files until they are removed")
    .action(async (names: string[], { force = false }: RmiOptions, command: Command) => {
      await withDaemon(command, async ({ client, images, print }) => {
        const removed: { names: string[]; removedId: string }[] = [];
        const remove = async (image: string) => {
          await checkRemoval(client, image, force);
          removed.push(await images().remove({ image }));
        };
        const rows = () =>
          removed.flatMap(({ names: gone, removedId }) =>
            [...gone, ...(removedId === "" ? [] : [removedId])].map((text) => [text]),
          );
        try {
          await withEach(names, remove);
        } finally {
          if (removed.length > 0) print(removed, ["REMOVED"], rows);
        }
      });
    });
}

async function checkRemoval(client: CriClient, name: string, force: boolean): Promise<void> {
  const { image } = await client.imageStatus({ image: { image: name } });
  if (!image) throw noImage("remove image", name);
  if (force) return;
  const { containers } = await client.listContainers({});
  const users = containers.filter(({ imageId }) => imageId === image.id);
  const isId = image.id.startsWith(name) || image.id.slice("sha256:".length).startsWith(name);
  if (users.length === 0 || (!isId && image.repoTags.length > 1)) return;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "remove image",
    object: name,
    reason: `containers use it: ${users.map(({ id }) => shortId(id)).join(", ")}`,
    hint: "remove them first (lichen rm), or give --force: they keep the files that they need",
  });
}
