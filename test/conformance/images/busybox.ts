// The image that most specs run: one static busybox, built from the distribution's source package.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "../command.ts";
import { Packages } from "../packages.ts";
import { made } from "../workshop.ts";
import { type ConformanceImage, directory, endToEnd, file, type LayerEntry, link } from "./model.ts";

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
  writeFileSync(join(into, "applets"), await run(join(into, "busybox"), ["--list"]));
  rmSync(folder, { recursive: true });
}

const accounts = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "daemon:x:1:1:daemon:/usr/sbin:/bin/false",
    "www-data:x:33:33:www-data:/var/www:/bin/false",
    "nobody:x:65534:65534:nobody:/home:/bin/false",
  ],
  group: ["root:x:0:", "daemon:x:1:", "www-data:x:33:", "nogroup:x:65534:"],
};

/** The layer that every image with a shell begins with. */
export async function busyboxLayer(): Promise<LayerEntry[]> {
  const built = await made("busybox", [JSON.stringify(settings), build.toString()], build);
  const applets = (await readFile(join(built, "applets"), "utf8")).split("\n").filter(Boolean);
  const folders = ["dev", "etc", "home", "proc", "root", "sys", "usr/bin", "usr/sbin", "var/run", "var/www"];
  return [
    ...folders.map((path) => directory(path)),
    directory("tmp", 0o1777),
    file("bin/busybox", await readFile(join(built, "busybox")), 0o755),
    // Hard links, not symlinks: a spec mounts over /bin/ls and expects the other applets to go on working.
    ...applets.filter((name) => name !== "busybox").map((name) => link(`bin/${name}`, "bin/busybox")),
    file("etc/passwd", `${accounts.passwd.join("\n")}\n`),
    file("etc/group", `${accounts.group.join("\n")}\n`),
  ];
}

export function busyboxImages(base: LayerEntry[]): ConformanceImage[] {
  return [{ names: [endToEnd("busybox:1.29-2")], layers: [base], settings: { Cmd: ["sh"] } }];
}
