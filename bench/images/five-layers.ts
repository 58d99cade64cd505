import { createHash, type Hash } from "node:crypto";
import {
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { type Pack, pack } from "tar-stream";

/** Folders of the machine whose files fill the five layers, and how much of each is taken at the most. */
const layerSources = [
  ["/usr/bin"],
  ["/usr/lib/gcc", "/usr/lib/git-core"],
  ["/usr/share/doc", "/usr/share/perl"],
  ["/usr/lib/python3", "/usr/lib/python3.11", "/usr/share/zoneinfo"],
  ["/usr/share/vim", "/usr/share/man", "/usr/include", "/usr/share/locale"],
];
const layerLimit = 85 << 20;

export type Compression = "gzip" | "zstd";

/** A layer as a registry has it. */
export interface LayerBlob {
  path: string;
  digest: string;
  size: number;
  diffId: string;
  mediaType: string;
  files: number;
}

/** Five layers of real files, about 470 MB unpacked on a machine with a compiler; made once and kept in `folder`. */
export async function fiveLayers(folder: string, compression: Compression): Promise<LayerBlob[]> {
  mkdirSync(folder, { recursive: true });
  const index = join(folder, `${compression}.json`);
  if (existsSync(index)) return JSON.parse(readFileSync(index, "utf8")) as LayerBlob[];
  const layers: LayerBlob[] = [];
  for (const [number, sources] of layerSources.entries()) {
    layers.push(await makeLayer(join(folder, `${number}.${compression}`), sources, number, compression));
  }
  writeFileSync(index, JSON.stringify(layers));
  return layers;
}

async function makeLayer(
  path: string,
  sources: readonly string[],
  index: number,
  compression: Compression,
): Promise<LayerBlob> {
  const archive = pack();
  const plain = createHash("sha256");
  const compressed = createHash("sha256");
  const writing = pipeline(
    Readable.from(archive),
    hashing(plain),
    compression === "gzip"
      ? createGzip({ level: 6 })
      : createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } }),
    hashing(compressed),
    createWriteStream(`${path}.part`),
  );
  const files = await fill(archive, sources, index);
  archive.finalize();
  await writing;
  await rename(`${path}.part`, path);
  return {
    path,
    digest: `sha256:${compressed.digest("hex")}`,
    size: (await stat(path)).size,
    diffId: `sha256:${plain.digest("hex")}`,
    mediaType: `application/vnd.oci.image.layer.v1.tar+${compression}`,
    files,
  };
}

/** A pipeline stage that passes everything on and feeds `hash` with it. */
export function hashing(hash: Hash) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

async function fill(archive: Pack, sources: readonly string[], index: number): Promise<number> {
  let left = layerLimit;
  let files = 0;
  const add = (
    header: { name: string; mode: number; type: "file" | "directory" | "symlink"; linkname?: string },
    content?: Buffer,
  ) =>
    new Promise<void>((resolve, reject) => {
      archive.entry(header, content ?? Buffer.alloc(0), (error) => (error ? reject(error) : resolve()));
    });
  const walk = async (directory: string): Promise<void> => {
    await add({ name: `layer${index}${directory}/`, mode: 0o755, type: "directory" });
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name);
      const info = lstatSync(path);
      const header = { name: `layer${index}${path}`, mode: info.mode & 0o777 };
      if (info.isSymbolicLink()) {
        await add({ ...header, type: "symlink", linkname: readlinkSync(path) });
      } else if (info.isDirectory()) {
        await walk(path);
      } else if (info.isFile() && info.size <= left && (info.mode & 0o004) !== 0) {
        left -= info.size;
        files++;
        await add({ ...header, type: "file" }, readFileSync(path));
      }
    }
  };
  for (const source of sources) {
    try {
      lstatSync(source);
    } catch {
      continue;
    }
    await walk(source);
  }
  return files;
}
