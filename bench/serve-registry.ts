// node bench/serve-registry.ts PORT IMAGES [PAUSE]: the registry that every runtime under measurement pulls from, as a mirror of
// registry.k8s.io. IMAGES is the folder of five-layers.ts; PAUSE the executable of a pause image.
import { readFileSync } from "node:fs";
import { buildImage } from "../test/fixtures/image.ts";
import { demoImage } from "../test/fixtures/image-demo.ts";
import { buildLayer } from "../test/fixtures/image-layer.ts";
import { Registry } from "../test/fixtures/registry.ts";
import { type Compression, fiveLayers } from "./images/five-layers.ts";

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
    const layers = await fiveLayers(folder, compression);
    const blobs = layers.map((layer) => ({ ...layer, blob: readFileSync(layer.path) }));
    registry.push(`registry.k8s.io/bench/five-layers-${compression}`, buildImage({ layers: blobs }), "1");
  }
}
console.log(registry.host);
// The registry itself does not keep its process alive.
setInterval(() => {}, 1 << 30);
