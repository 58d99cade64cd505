// The conformance images in a registry of this process.
import { buildImage } from "../fixtures/image.ts";
import { Registry } from "../fixtures/registry.ts";
import type { ConformanceImage } from "./images/model.ts";

/** Serves every image under all its names, to mirrors' requests on behalf of the names' hosts. The caller closes the registry. */
export async function serveImages(images: readonly ConformanceImage[], port = 0): Promise<Registry> {
  const registry = await Registry.start({ port });
  for (const { names, layers, settings } of images) {
    const image = buildImage({ layers, config: { ...settings } });
    for (const name of names) {
      const [, repository = "", tag = ""] = /^(.+):([^:/]+)$/.exec(name) ?? [];
      registry.push(repository, image, tag);
    }
  }
  return registry;
}
