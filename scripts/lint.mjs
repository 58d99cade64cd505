// npm run lint: format and lint (TypeScript, C++), types, import cycles and arrows, dead code, file sizes. `--fix` formats in place.
// Every check runs, also after one has failed; the last line says how many of them failed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node = join(root, `node_modules/node-linux-${process.arch}/bin/node`);
const fix = process.argv.includes("--fix");
const maximumLines = 600;

const tracked = spawnSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .stdout.split("\n")
  .filter(Boolean);
const sources = (pattern) => tracked.filter((file) => pattern.test(file));
const bin = (name) => join(root, "node_modules/.bin", name);

function run(command, args) {
  const path = `${dirname(node)}:${process.env.PATH}`;
  const done = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, PATH: path } });
  if (done.error)
    console.error(`${command}: ${done.error.message}\nhint: node scripts/setup.mjs installs it`);
  return done.status === 0;
}

function fileSizes() {
  const long = sources(/\.(ts|mjs|cc|h|go|proto)$/)
    .map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length - 1])
    .filter(([, lines]) => lines > maximumLines);
  for (const [file, lines] of long) console.error(`${file}: ${lines} lines, more than ${maximumLines}`);
  return long.length === 0;
}

/** What a room of native/ may include beside itself: the arrows of ARCHITECTURE.md. */
const nativeArrows = {
  core: [],
  service: ["core"],
  addon: ["core"],
  launcher: ["core"],
  monitor: ["core", "service"],
  ports: ["core", "service"],
};

function nativeIncludes() {
  const wrong = sources(/^native\/.*\.(cc|h)$/).flatMap((file) => {
    const room = file.split("/")[1];
    const included = [...readFileSync(join(root, file), "utf8").matchAll(/^#include "(\w+)\/.*"$/gm)];
    const allowed = [room, ...nativeArrows[room]];
    return included.filter(([, other]) => !allowed.includes(other)).map(([line]) => `${file}: ${line}`);
  });
  for (const line of wrong) console.error(`${line}: an arrow that is not in nativeArrows (scripts/lint.mjs)`);
  return wrong.length === 0;
}

/**
 * Every file and folder that the documents name must be there: whole paths, and the ends of paths in backticks. `*` stands for any part of a
 * name.
 */
function documentedPaths() {
  const documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "native/monitor/PROTOCOL.md"];
  const whole = /(?<![\w/.-])(?:src|native|test|proto|bench|scripts|\.ci)\/[\w.*/-]*[\w*/]/g;
  const ending = /(?<=`)[\w-]+(?:\/[\w-]+)*\.(?:ts|mjs|cc|h|\*)(?=`)/g;
  const pattern = (path) => path.replaceAll(".", "\\.").replaceAll("*", "[^/]*");
  const missing = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), "utf8");
    const named = [
      ...(text.match(whole) ?? []).map((path) => [path, new RegExp(`^${pattern(path)}(/|$|(?<=/))`)]),
      ...(text.match(ending) ?? []).map((path) => [path, new RegExp(`(^|/)${pattern(path)}$`)]),
    ];
    return named
      .filter(([, form]) => !tracked.some((file) => form.test(file)))
      .map(([path]) => `${document}: ${path}`);
  });
  for (const line of missing) console.error(`${line}: there is no such file or folder`);
  return missing.length === 0;
}

const clang = sources(/^(native|test)\/.*\.(cc|h)$/);
const checks = [
  [
    "TypeScript format and lint",
    () => run(bin("biome"), fix ? ["check", "--write", "."] : ["ci", "--colors=off", "."]),
  ],
  ["types", () => run(bin("tsc"), ["-p", "."])],
  [
    "import cycles and arrows",
    () => run(bin("depcruise"), ["--output-type", "err", "src", "proto", "test", "bench"]),
  ],
  // Files, exports and types that nobody uses (knip.json).
  ["dead code", () => run(bin("knip"), ["--include", "files,exports,types"])],
  ["C++ format", () => run("clang-format", [...(fix ? ["-i"] : ["--dry-run", "-Werror"]), ...clang])],
  ["C++ includes", nativeIncludes],
  ["file sizes", fileSizes],
  ["paths in documents", documentedPaths],
];

let failed = 0;
for (const [name, check] of checks) {
  const began = performance.now();
  const passed = check();
  if (!passed) failed++;
  console.log(`${passed ? "ok  " : "FAIL"} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}
console.log(`lint: ${checks.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
