import type { Command } from "commander";
import { withDaemon } from "../context.ts";
import { shortId } from "../format.ts";
import { waiting } from "../waiting.ts";

/** `lichen pull REFERENCE`. */
export function pull(program: Command): void {
  program
    .command("pull")
    .description("fetch an image from its registry")
    .argument("<reference>", "for example docker.io/library/alpine:3.22")
    .action(async (reference: string, _options: object, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const answer = await waiting(
          `pulling ${reference}`,
          client.pullImage({ image: { image: reference } }),
        );
        print({ reference, imageRef: answer.imageRef }, ["IMAGE", "ID"], () => [
          [reference, shortId(answer.imageRef)],
        ]);
      });
    });
}
