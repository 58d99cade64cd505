// Small C programs of our own for images, linked statically so that the program is all an image needs.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../command.ts";
import { checkout, made } from "../workshop.ts";

const options = ["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s"];

/** Compiles `test/conformance/programs/NAME.c` and gives the executable's content. */
export async function program(name: string): Promise<Buffer> {
  const source = join(checkout, "test/conformance/programs", `${name}.c`);
  const recipe = [readFileSync(source, "utf8"), ...options];
  const built = await made(name, recipe, async (into) => {
    await run("gcc", [...options, "-o", join(into, name), source]);
  });
  return readFile(join(built, name));
}
