// node test/fuzz/run.ts [--seconds N] [--seed N]: fuzzes the unpacking of layers and the streaming server for so long, in namespaces of its
// own; `npm run fuzz`.
// Each round has a seed of its own, which is printed; with --seed only the round of that seed is run.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzzBytes, fuzzEntries } from "./layer.ts";
import { fuzzSpdy, fuzzWebSocket } from "./streams.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } },
});
const runs = 400;
const inside = "LICHEN_FUZZ_INSIDE";

if (process.env[inside] === undefined) {
  const namespaces = ["--user", "--map-root-user", "--map-auto", "--mount", "--net"];
  const done = spawnSync("unshare", [...namespaces, process.execPath, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, [inside]: "1" },
  });
  process.exit(done.status ?? 1);
}

execFileSync("ip", ["link", "set", "lo", "up"]);
const base = mkdtempSync(join(tmpdir(), "lichen-fuzz-"));
execFileSync("mount", ["-t", "tmpfs", "-o", "size=512m", "none", base]);
const began = performance.now();
let rounds = 0;
let failed = 0;
do {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  console.log(`round ${++rounds}: seed ${seed}, after ${Math.round((performance.now() - began) / 1000)} s`);
  for (const [kind, fuzz] of [
    ["entries", fuzzEntries],
    ["bytes", fuzzBytes],
    ["SPDY sessions", fuzzSpdy],
    ["WebSocket sessions", fuzzWebSocket],
  ] as const) {
    const scratch = join(base, `${kind}-${rounds}`);
    mkdirSync(scratch);
    try {
      await fuzz({ scratch, seed, runs });
    } catch (error) {
      failed++;
      console.error(error instanceof Error ? error.stack : error);
      console.error(`replay it: npm run fuzz -- --seed ${seed}`);
    }
    execFileSync("rm", ["-rf", scratch]);
  }
} while (
  values.seed === undefined &&
  failed === 0 &&
  performance.now() - began < Number(values.seconds) * 1000
);
execFileSync("umount", [base]);
rmdirSync(base);
console.log(`${rounds * runs * 2} archives, ${rounds * runs * 2} sessions`);
console.log(`${failed === 0 ? 1 : 0} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
