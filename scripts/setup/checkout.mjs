// The checkout itself: its dependencies and what is built from it, each made again only when what it is made from has changed.
// Run by root in somebody's checkout, every command here runs as the checkout's owner, so that nothing of root's is left in it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, SetupError } from "./console.mjs";
import { account } from "./users.mjs";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Node 24 as the npm dependency that brings it; everything but the set-up itself runs on it. */
export const node = join(root, `node_modules/node-linux-${process.arch}/bin/node`);

/** Options for commands that write into the checkout. */
function asOwner() {
  const { uid, gid } = statSync(root);
  if (process.getuid() !== 0 || uid === 0) return { cwd: root };
  const owner = account(String(uid));
  return { cwd: root, uid, gid, env: { ...process.env, HOME: owner?.home ?? "/", USER: owner?.name ?? "" } };
}

/** SHA-256 over the names and contents of files and folders below the checkout, but for folders named `generated`. */
function digest(paths) {
  const hash = createHash("sha256");
  const add = (path) => {
    if (!existsSync(join(root, path))) return;
    if (statSync(join(root, path)).isDirectory()) {
      const names = readdirSync(join(root, path)).filter((name) => name !== "generated");
      for (const name of names.sort()) add(join(path, name));
    } else {
      hash.update(`${path}\0`).update(readFileSync(join(root, path)));
    }
  };
  for (const path of paths) add(path);
  return hash.digest("hex");
}

/** Runs `work` unless `stamp` says that it was done for exactly these `inputs`. Says which of the two it was. */
async function unlessDone(stamp, inputs, work) {
  const file = join(root, stamp);
  const wanted = digest(inputs);
  if (existsSync(file) && readFileSync(file, "utf8") === wanted) return "up to date";
  // Without a stamp an interrupted run is done again.
  if (existsSync(file)) rmSync(file);
  await work();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, wanted);
  return undefined;
}

/**
 * Everything that package-lock.json names, and Node 24 with it. `npm ci` would refuse wherever the registry does not carry the
 * packages for foreign platforms and they are therefore not in the lock file; this follows the same lock file and leaves it alone.
 */
export function installModules() {
  return unlessDone("node_modules/.lichen-installed", ["package-lock.json", ".npmrc"], async () => {
    await run(
      "npm",
      ["install", "--no-save", "--ignore-scripts", "--include=dev", "--include=optional", "--no-progress"],
      asOwner(),
    );
    if (!existsSync(node)) {
      throw new SetupError(
        `npm has brought no Node 24 for ${process.platform} on ${process.arch}: ${node} is missing`,
        "lichen is built for Linux on x64; on another architecture add its node-linux-* package to package.json",
      );
    }
  });
}

const build = (args) => run(process.execPath, ["scripts/build.mjs", ...args], asOwner());
const nativeInputs = ["native", "binding.gyp", "scripts/build.mjs", "package-lock.json"];

/** Everything that runs, into dist/. */
export async function buildAll() {
  const native = await unlessDone("dist/.native-built", nativeInputs, () => build(["--native-only"]));
  const makers = ["scripts/build.mjs", "scripts/generate.ts", "scripts/bundle.ts"];
  const inputs = ["src", "proto", "bin", "package-lock.json", ...makers];
  const code = await unlessDone("dist/.bundled", inputs, () => build(["--js-only"]));
  return native && code;
}

/** The unit tests of the C++ core, under ASan and UBSan: build/Release/native-tests. */
export function buildNativeTests() {
  const inputs = [...nativeInputs, "test/native"];
  return unlessDone("build/.native-tests-built", inputs, () => build(["--target", "native-tests"]));
}

/** Runs a program of the checkout on Node 24, for what it makes there. */
export async function makeInCheckout(args) {
  await run(node, args, asOwner());
}
