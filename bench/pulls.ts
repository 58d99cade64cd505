// node bench/pulls.ts: pulling in every respect, beside what a person could do by hand (curl, gunzip or zstd, GNU tar) on the same
// tmpfs and registry, taking turns; prints a table and writes the results.
//   --images FOLDER  --results FILE  [--rounds N] [--only NAME,…]
// Runs as the unprivileged user; `npm run bench -- pulls` takes care of that.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PullMeasures } from "./measures/pulls.ts";
import { median, rounded } from "./support/statistics.ts";
import { startLichen } from "./targets.ts";

const { values } = parseArgs({
  options: {
    images: { type: "string" },
    results: { type: "string" },
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
  },
});
if (values.images === undefined) throw new Error("--images is missing");

const folder = mkdtempSync(join("/dev/shm", "lb-"));
const target = await startLichen({ folder, images: values.images, peers: undefined });
try {
  const measures = new PullMeasures(target, folder, values.images);
  const chosen = values.only?.split(",");
  const results: Record<string, object> = {};
  for (const measure of measures.all()) {
    if (chosen !== undefined && !chosen.includes(measure.name)) continue;
    const rounds: Record<string, number>[] = [];
    for (let round = 0; round < Number(values.rounds); round++) rounds.push(await measure.round());
    const names = Object.keys(rounds[0] ?? {});
    const medians = Object.fromEntries(
      names.map((name) => [name, median(rounds.map((round) => round[name] ?? 0))]),
    );
    const result = { unit: measure.unit, ...medians, ...measure.ratio?.(medians) };
    results[measure.name] = Object.fromEntries(
      Object.entries(result).map(([name, value]) => [
        name,
        typeof value === "number" ? rounded(value) : value,
      ]),
    );
    console.log(measure.name.padEnd(14), JSON.stringify(results[measure.name]));
  }
  const machine = { kernel: release(), cpu: cpus()[0]?.model, cores: cpus().length, storage: "tmpfs" };
  const report = { ...results, machine, rounds: Number(values.rounds) };
  if (values.results !== undefined)
    writeFileSync(values.results, `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  await target.stop();
  rmSync(folder, { recursive: true, force: true });
}
