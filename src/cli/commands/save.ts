import { once } from "node:events";
import { type Command, Option } from "commander";
import type { SavedImage, SaveEvent } from "#lichen";
import { misuse, withDaemon } from "../context.ts";
import { shortId } from "../format.ts";
import { writeWhole } from "../images/files.ts";

interface SaveOptions {
  output?: string;
  file?: string;
}

/** `lichen save IMAGE…`: an archive that docker, podman, skopeo, umoci and containerd read, in a file or on standard output. */
export function save(program: Command): void {
  program
    .command("save")
    .description("write images as an archive (OCI layout and docker-archive in one)")
    .argument("<images...>", "names or ids; by a tag only that one is in the archive")
    .option("-o, --output <file>", "write to a file; default standard output")
    .addOption(new Option("-f, --file <file>", "the same").hideHelp())
    .action(async (names: string[], options: SaveOptions, command: Command) => {
      const file = options.output ?? options.file;
      if (file === undefined && process.stdout.isTTY === true)
        throw misuse(
          "save images",
          "",
          "standard output is a terminal",
          "give --output FILE, or redirect it",
        );
      await withDaemon(command, async ({ images }) => {
        const data = bytesOf(images().save({ images: names }));
        if (file === undefined) await toStdout(data);
        else await writeWhole(file, data);
      });
    });
}

async function* bytesOf(events: AsyncIterable<SaveEvent>): AsyncGenerator<Uint8Array> {
  for await (const { data, images } of events) {
    for (const image of images) process.stderr.write(`${summary(image)}\n`);
    if (data.length > 0) yield data;
  }
}

/** Layers are archived anew, as blobs are not kept: where that gives other bytes, so does everything that names them. */
function summary({ id, savedId, names }: SavedImage): string {
  const name = names.join(", ") || shortId(id);
  if (id === savedId) return `${name}: saved as ${shortId(id)}`;
  return `${name}: saved as ${shortId(savedId)} (here it is ${shortId(id)}: its layers were archived anew, with the same files)`;
}

async function toStdout(data: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of data) if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
}
