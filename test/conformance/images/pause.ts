// One image under two hosts' names: specs about image identity pull both and expect a single image with two tags.
import { buildLayer } from "../../fixtures/image-layer.ts";
import type { ConformanceImage } from "./model.ts";
import { program } from "./program.ts";

export async function pauseImages(): Promise<ConformanceImage[]> {
  return [
    {
      names: ["registry.k8s.io/pause:3.9", "k8s.gcr.io/pause:3.9"],
      layers: [await buildLayer([{ name: "pause", content: await program("pause"), mode: 0o755 }])],
      settings: { Entrypoint: ["/pause"], User: "65535:65535" },
    },
  ];
}
