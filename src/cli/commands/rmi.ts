import type { Command } from "commander";
import { LichenError } from "../../errors.ts";
import { withDaemon } from "../context.ts";

/** `lichen rmi IMAGE…`. CRI calls removing what is not there a success; a person who mistyped wants to know. */
export function rmi(program: Command): void {
  program
    .command("rmi")
    .description("remove images")
    .argument("<images...>", "names or ids")
    .action(async (images: string[], _options: object, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        for (const image of images) {
          const { image: found } = await client.imageStatus({ image: { image } });
          if (!found) {
            throw new LichenError({
              code: "NOT_FOUND",
              operation: "remove image",
              object: image,
              reason: "there is no such image",
              hint: "list images with: lichen images",
            });
          }
          await client.removeImage({ image: { image } });
          process.stdout.write(`${image}\n`);
        }
      });
    });
}
