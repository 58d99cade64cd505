// node bench/run.ts: measures lichen, and peers where they are installed, in one run; prints a table and writes results.json.
//   --images FOLDER  --peers FOLDER  --results FILE  [--rounds N] [--pull-rounds N] [--pods N] [--many N] [--lives N] [--only lichen|containerd]
//   --tools FOLDER (bin/crictl, bin/streamclient and floor/floor; without it streams are not measured)  [--stream-rounds N]  [--parts log,streams,…]
// Runs as the unprivileged user in a delegated cgroup; `npm run bench` takes care of that.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import packageJson from "../package.json" with { type: "json" };
import { measureAll, partNames, summarize } from "./measures/all.ts";
import { type Podman, startPodman } from "./peers/podman.ts";
import { rounded } from "./support/statistics.ts";
import { type RunningTarget, startLichen, startPeer } from "./targets.ts";

const { values } = parseArgs({
  options: {
    images: { type: "string" },
    peers: { type: "string" },
    results: { type: "string" },
    rounds: { type: "string", default: "20" },
    "pull-rounds": { type: "string", default: "3" },
    pods: { type: "string", default: "10" },
    many: { type: "string", default: "300" },
    lives: { type: "string", default: "2000" },
    only: { type: "string" },
    tools: { type: "string" },
    "stream-rounds": { type: "string", default: "3" },
    parts: { type: "string", default: partNames.join() },
  },
});
const { images, peers } = values;
if (images === undefined) throw new Error("--images is missing");
const effort = {
  rounds: Number(values.rounds),
  pullRounds: Number(values["pull-rounds"]),
  streamRounds: Number(values["stream-rounds"]),
  pods: Number(values.pods),
  many: Number(values.many),
  lives: Number(values.lives),
};

const wanted = values.parts.split(",").map((part) => {
  const known = partNames.find((name) => name === part);
  if (known === undefined) throw new Error(`--parts ${part}: there are ${partNames.join(", ")}`);
  return known;
});
const { tools: toolFolder } = values;
const tools =
  toolFolder === undefined
    ? undefined
    : {
        crictl: join(toolFolder, "bin/crictl"),
        streamclient: join(toolFolder, "bin/streamclient"),
        floor: join(toolFolder, "floor/floor"),
      };

const memoryFolder = "/dev/shm";
const folder = mkdtempSync(join(memoryFolder, "lb-"));
const targets: RunningTarget[] = [];
let podman: Podman | undefined;
const began = performance.now();
try {
  const place = { folder, images, peers };
  if (values.only !== "containerd") targets.push(await startLichen(place));
  if (peers !== undefined && values.only !== "lichen") targets.push(await startPeer(place, peers));
  const registry = targets[0]?.registry;
  const withPodman =
    values.only === undefined && wanted.some((part) => ["life", "network", "exec", "pull"].includes(part));
  if (peers !== undefined && registry !== undefined && withPodman)
    podman = await startPodman(folder, peers, registry);
  const figures = await measureAll({ targets, podman, effort, tools }, wanted, (text) =>
    process.stderr.isTTY ? process.stderr.write(`\r\u001b[K… ${text}`) : undefined,
  );
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");

  const results = Object.fromEntries([...figures].map(([name, figure]) => [name, summarize(figure)]));
  print(results);
  const versions = peers === undefined ? {} : JSON.parse(readFileSync(join(peers, "versions.json"), "utf8"));
  const machine = {
    kernel: release(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    storage: "tmpfs",
  };
  const report = {
    ...roundAll(results),
    machine,
    versions: { lichen: packageJson.version, ...versions },
    effort,
  };
  if (values.results) writeFileSync(values.results, `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(`${Math.round((performance.now() - began) / 1000)} s`);
} finally {
  await podman?.stop();
  for (const target of targets) await target.stop();
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    // Of a peer that failed midway, files of other ids are left. Why it did is the error to be seen.
    console.error(`${folder} is left behind: ${(error as Error).message}`);
  }
}

function roundAll(results: Record<string, Record<string, number | string>>) {
  const entries = Object.entries(results).map(([name, members]) => [
    name,
    Object.fromEntries(
      Object.entries(members).map(([key, value]) => [
        key,
        typeof value === "number" ? rounded(value) : value,
      ]),
    ),
  ]);
  return Object.fromEntries(entries);
}

function print(results: Record<string, Record<string, number | string>>): void {
  const names = [...new Set(Object.values(results).flatMap(Object.keys))];
  const cell = (value: number | string | undefined) =>
    (typeof value === "number" ? String(rounded(value)) : (value ?? "")).padStart(11);
  console.log(["".padEnd(18), ...names.map((name) => name.padStart(11))].join(" "));
  for (const [name, members] of Object.entries(results))
    console.log([name.padEnd(18), ...names.map((key) => cell(members[key]))].join(" "));
}
