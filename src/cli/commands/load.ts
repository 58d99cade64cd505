import type { Readable } from "node:stream";
import type { Command } from "commander";
import { misuse, withDaemon } from "../context.ts";
import { shortId } from "../format.ts";
import { openForReading } from "../images/files.ts";
import { showLayers } from "../images/show.ts";

interface LoadOptions {
  input?: string;
}

/** `lichen load`: images from an archive in a file or on standard input. */
export function load(program: Command): void {
  program
    .command("load")
    .description("take images from an archive (OCI layout or docker-archive, compressed or not)")
    .option("-i, --input <file>", "read the archive from a file; default standard input")
    .action(async ({ input }: LoadOptions, command: Command) => {
      if (input === undefined && process.stdin.isTTY === true)
        throw misuse(
          "load images",
          "",
          "standard input is a terminal",
          "give --input FILE, or pipe an archive in",
        );
      const source = input === undefined ? process.stdin : await openForReading(input);
      try {
        await withDaemon(command, async ({ images, print }) => {
          const last = await showLayers("loading", images().load(requests(source)));
          const loaded = last?.images ?? [];
          print(loaded, ["IMAGE", "ID"], () =>
            loaded.flatMap(({ id, names }) =>
              (names.length > 0 ? names : ["<none>"]).map((name) => [name, shortId(id)]),
            ),
          );
        });
      } finally {
        // Whoever still writes to the pipe is told, instead of being kept waiting with us.
        source.destroy();
      }
    });
}

async function* requests(source: Readable): AsyncGenerator<{ data: Uint8Array }> {
  for await (const data of source) yield { data: data as Uint8Array };
}
