import type { Command } from "commander";
import { imageInspect } from "./image-inspect.ts";
import { imagePrune } from "./image-prune.ts";
import { images } from "./images.ts";
import { load } from "./load.ts";
import { pull } from "./pull.ts";
import { rmi } from "./rmi.ts";
import { save } from "./save.ts";

/** `lichen image …`: everything about images in one place, under the names that docker and podman have. */
export function image(program: Command): void {
  const group = program.command("image").description("images: list, fetch, show, remove");
  images(group, "ls", "list");
  pull(group);
  imageInspect(group);
  rmi(group, "rm", "remove");
  imagePrune(group);
  load(group);
  save(group);
}
