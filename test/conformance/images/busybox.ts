// The image that most specs run: one static busybox, built from the distribution's source package.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { busyboxLayer } from "../../fixtures/image-demo.ts";
import type { BuiltLayer } from "../../fixtures/image-layer.ts";
import { run } from "../command.ts";
import { Packages } from "../packages.ts";
import { made } from "../workshop.ts";
import { type ConformanceImage, endToEnd } from "./model.ts";

/**
 * What differs from busybox's own defaults. The distribution's busybox-static will not do: it prefers the applets built into it to the
 * files in /bin, so that a masked /bin/ls would still run, and it lacks pgrep and ipcs.
 */
const settings: readonly [option: string, value: boolean][] = [
  ["STATIC", true],
  ["FEATURE_PREFER_APPLETS", false],
  ["FEATURE_SH_STANDALONE", false],
  // Does not compile against the headers of current kernels.
  ["TC", false],
];

/** Changes options of a Kconfig file's text; an option that the file does not know is an error. */
export function configure(text: string, changes: readonly [option: string, value: boolean][]): string {
  return changes.reduce((config, [option, value]) => {
    const pattern = new RegExp(`^(CONFIG_${option}=.*|# CONFIG_${option} is not set)$`, "m");
    if (!pattern.test(config)) throw new Error(`busybox has no build option ${option}`);
    return config.replace(pattern, value ? `CONFIG_${option}=y` : `# CONFIG_${option} is not set`);
  }, text);
}

async function build(into: string): Promise<void> {
  const folder = join(into, "source");
  mkdirSync(folder);
  await using packages = await Packages.open();
  const source = await packages.source("busybox", folder);
  const make = (...args: string[]) => run("make", ["--silent", ...args], { cwd: source });
  await make("defconfig");
  const config = join(source, ".config");
  writeFileSync(config, configure(readFileSync(config, "utf8"), settings));
  await make("silentoldconfig");
  await make(`--jobs=${availableParallelism()}`);
  copyFileSync(join(source, "busybox"), join(into, "busybox"));
  rmSync(folder, { recursive: true });
}

/** The layer that every image with a shell begins with. */
export async function baseLayer(): Promise<BuiltLayer> {
  const built = await made("busybox", [JSON.stringify(settings), build.toString()], build);
  return busyboxLayer(join(built, "busybox"));
}

export function busyboxImages(base: BuiltLayer): ConformanceImage[] {
  return [{ names: [endToEnd("busybox:1.29-2")], layers: [base], settings: { Cmd: ["sh"] } }];
}
