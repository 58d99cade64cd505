import { createHash } from "node:crypto";
import { createWriteStream, existsSync, readFileSync, writeFileSync } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { hashing, type LayerBlob } from "./five-layers.ts";

const directories = 2000;
const filesEach = 100;
const bytes = 1000;

/** One uncompressed layer of 200,000 files of 1 kB in 2,000 directories; made once and kept in `folder`. */
export async function smallFiles(folder: string): Promise<LayerBlob> {
  const index = join(folder, "small.json");
  if (existsSync(index)) return JSON.parse(readFileSync(index, "utf8")) as LayerBlob;
  const path = join(folder, "small.tar");
  const archive = pack();
  const hash = createHash("sha256");
  const writing = pipeline(Readable.from(archive), hashing(hash), createWriteStream(`${path}.part`));
  const add = (name: string, content: Buffer) =>
    new Promise<void>((resolve, reject) => {
      const header = name.endsWith("/") ? { name, type: "directory" as const, mode: 0o755 } : { name };
      archive.entry(header, content, (error) => (error ? reject(error) : resolve()));
    });
  for (let d = 0; d < directories; d++) {
    await add(`small/${d}/`, Buffer.alloc(0));
    for (let f = 0; f < filesEach; f++)
      await add(`small/${d}/${f}`, Buffer.from(`${d} ${f} `.padEnd(bytes, "x")));
  }
  archive.finalize();
  await writing;
  await rename(`${path}.part`, path);
  const digest = `sha256:${hash.digest("hex")}`;
  const blob = {
    path,
    digest,
    size: (await stat(path)).size,
    diffId: digest,
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    files: directories * filesEach,
  };
  writeFileSync(index, JSON.stringify(blob));
  return blob;
}
