// node bench/images/make.ts FOLDER: makes the large images there, unless they are there.
import { fiveLayers } from "./five-layers.ts";
import { smallFiles } from "./small-files.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: make.ts FOLDER");
await fiveLayers(folder, "gzip");
await fiveLayers(folder, "zstd");
await smallFiles(folder);
