// Images for the specs that only pull, list, inspect and remove: their content does not matter, but whose tags share an image does.
import { type BuiltLayer, buildLayer } from "../../fixtures/image-layer.ts";
import { type ConformanceImage, staging } from "./model.ts";

/** Names that stand in one row are tags of one image; rows are different images. */
const rows = [
  ["test-image-latest:latest"],
  ["test-image-tag:test"],
  ["test-image-tag:all"],
  ["test-image-1:latest"],
  ["test-image-2:latest"],
  ["test-image-3:latest"],
  ["test-image-tags:1", "test-image-tags:2", "test-image-tags:3"],
];

export function referenceImages(base: BuiltLayer): Promise<ConformanceImage[]> {
  return Promise.all(
    rows.map(async (row) => ({
      names: row.map(staging),
      layers: [base, await buildLayer([{ name: "etc/image", content: `${row.join("\n")}\n` }])],
      settings: { Cmd: ["sh"] },
    })),
  );
}
