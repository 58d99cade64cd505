// node bench/serve-registry.ts PORT IMAGES [PAUSE]: the registry that every runtime under measurement pulls from, as a mirror of
// registry.k8s.io. IMAGES is the folder of five-layers.ts; PAUSE the executable of a pause image.
import { readFileSync } from "node:fs";
import { buildImage } from "../test/fixtures/image.ts";
import { demoImage } from "../test/fixtures/image-demo.ts";
import { buildLayer } from "../test/fixtures/image-layer.ts";
import { Registry } from "../test/fixtures/registry.ts";
import { type Compression, fiveLayers, type LayerBlob } from "./images/five-layers.ts";
import { smallFiles } from "./images/small-files.ts";

const [port = "0", folder, pause] = process.argv.slice(2);
const registry = await Registry.start({ port: Number(port) });
registry.push("registry.k8s.io/bench/busybox", await demoImage(), "1");
if (pause) {
  const layer = await buildLayer([{ name: "pause", mode: 0o755, content: readFileSync(pause) }], "gzip");
  const image = buildImage({ layers: [layer], config: { Entrypoint: ["/pause"], User: "65535:65535" } });
  registry.push("registry.k8s.io/pause", image, "3.10");
}
if (folder) {
  for (const compression of ["gzip", "zstd"] satisfies Compression[]) {
    const blobs = (await fiveLayers(folder, compression)).map(load);
    registry.push(`registry.k8s.io/bench/five-layers-${compression}`, buildImage({ layers: blobs }), "1");
    if (compression === "zstd") continue;
    const own = await buildLayer([{ name: "own", content: "x".repeat(10_000_000) }], "gzip");
    registry.push("registry.k8s.io/bench/shared", buildImage({ layers: [...blobs.slice(0, 4), own] }), "1");
  }
  registry.push(
    "registry.k8s.io/bench/small-files",
    buildImage({ layers: [load(await smallFiles(folder))] }),
    "1",
  );
}

function load(layer: LayerBlob): LayerBlob & { blob: Uint8Array } {
  return { ...layer, blob: readFileSync(layer.path) };
}
console.log(registry.host);
// The registry itself does not keep its process alive.
setInterval(() => {}, 1 << 30);
