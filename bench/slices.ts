// node bench/slices.ts [--rounds N]: what a pod pays for being in a slice of the user's systemd, beside one in lichen's own cgroup, in turns. Where the
// user has no systemd a stand-in makes the cgroups, and what is measured is lichen's part alone. Runs as the unprivileged user.
import { parseArgs } from "node:util";
import { startNode } from "../test/support/node.ts";
import { podConfig } from "../test/support/pods.ts";
import { StandInManager } from "../test/support/stand-in-manager.ts";
import { median, rounded, timed } from "./support/statistics.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "40" } } });
const rounds = Number(values.rounds);

/** Whether the user's own systemd is found by a node with this environment. */
async function open(env: Record<string, string> = {}) {
  const node = await startNode({ env });
  const trials = JSON.parse((await node.lichen("--output", "json", "doctor")).stdout) as {
    what: string;
    ok: boolean;
  }[];
  if (trials.some(({ what, ok }) => what === "systemd-slices" && ok)) return node;
  await node.stop();
  return undefined;
}

const real = await open();
const standIn = real === undefined ? await StandInManager.start() : undefined;
if (typeof standIn === "string") throw new Error(standIn);
const node = real ?? (await open(standIn?.env));
if (node === undefined) throw new Error("the node found no systemd");

const figures = new Map<string, number[]>();
const note = (what: string, milliseconds: number) =>
  figures.set(what, [...(figures.get(what) ?? []), milliseconds]);

for (let round = 0; round < rounds; round++) {
  for (const [kind, cgroupParent] of [
    ["slice", "lichen-bench.slice"],
    ["own cgroup", ""],
  ] as const) {
    const config = podConfig(node, `${kind.replace(" ", "-")}-${round}`, { linux: { cgroupParent } });
    const [run, { podSandboxId }] = await timed(() => node.client.runPodSandbox({ config }));
    const [stop] = await timed(() => node.client.stopPodSandbox({ podSandboxId }));
    const [remove] = await timed(() => node.client.removePodSandbox({ podSandboxId }));
    // The first ones warm the daemon up.
    if (round < 3) continue;
    note(`RunPodSandbox, ${kind}`, run);
    note(`StopPodSandbox, ${kind}`, stop);
    note(`RemovePodSandbox, ${kind}`, remove);
  }
}
console.log(`${real ? "the user's systemd" : "a stand-in for systemd"}, ${rounds - 3} rounds, medians in ms`);
for (const [what, all] of [...figures].sort()) console.log(`${what.padEnd(30)} ${rounded(median(all))}`);
await node.stop();
await standIn?.end();
