// npm run build: addon and executables by node-gyp, TypeScript bundles by esbuild, everything that runs into dist/.
//   node scripts/build.mjs [--native-only | --js-only] [--target NAME]
// Plain JavaScript: it runs on the machine's own Node (>= 18), before Node 24 is used for anything.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const node24 = join(root, `node_modules/node-linux-${process.arch}`);
const node = join(node24, "bin/node");
const only = args.includes("--target") ? args[args.indexOf("--target") + 1] : undefined;

function run(command, commandArgs, env = {}) {
  const path = `${join(node24, "bin")}:${process.env.PATH}`;
  const done = spawnSync(command, commandArgs, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PATH: path, ...env },
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function native() {
  const gyp = join(root, "node_modules/node-gyp/bin/node-gyp.js");
  // A nodedir in somebody's .npmrc reaches node-gyp through the environment and would outdo the one given here.
  const tests = { LICHEN_NATIVE_TESTS: "1", MAKEFLAGS: "-s", npm_config_nodedir: node24 };
  mkdirSync(join(root, "build"), { recursive: true });
  // One build at a time: `flock` keeps parallel callers from sharing half-written objects.
  const gypArgs = `"${node}" "${gyp}" configure --silent --nodedir="${node24}" && make -s -C build -j2 BUILDTYPE=Release ${only ?? "lichen lichen-monitor lichen-ports lichen-launcher"}`;
  run("flock", [join(root, "build/.lock"), "sh", "-c", gypArgs], tests);
  if (only) return;
  mkdirSync(join(root, "dist/bin"), { recursive: true });
  for (const [from, to] of [
    ["lichen.node", "lichen.node"],
    ["lichen-monitor", "bin/lichen-monitor"],
    ["lichen-ports", "bin/lichen-ports"],
    ["lichen-launcher", "bin/lichen-launcher"],
  ]) {
    // Renamed into place: an executable that runs cannot be written to.
    const target = join(root, "dist", to);
    copyFileSync(join(root, "build/Release", from), `${target}.new`);
    chmodSync(`${target}.new`, 0o755);
    renameSync(`${target}.new`, target);
  }
}

function javascript() {
  for (const step of ["scripts/generate.ts", "scripts/bundle.ts"]) {
    if (existsSync(join(root, step))) run(node, [step]);
  }
}

if (!args.includes("--js-only")) native();
if (!args.includes("--native-only") && !only) javascript();
