import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { apply, type Call, calls, codes, type Life, LiveLife } from "../../support/life-model.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { pullBusybox } from "../../support/pods.ts";
import { randomFrom } from "../../support/random.ts";

// Two clients at once call anything on one pod and its container, again and again: whatever comes of it must be what one of the two orders
// gives. LICHEN_LONG_TESTS=1 makes 10,000 steps of it; LICHEN_SEED repeats a run.
const steps = process.env.LICHEN_LONG_TESTS ? 10_000 : 1000;
const seed = Number(process.env.LICHEN_SEED ?? Date.now() % 1_000_000);

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

/** The calls that make a container live; the others mostly end it. */
const towardsLife: readonly Call[] = ["runPodSandbox", "createContainer", "startContainer"];

/** A command that runs when its container ends has any end: it was under way. */
function interrupted(call: Call, other: Call): boolean {
  const ending = ["stopContainer", "removeContainer", "stopPodSandbox", "removePodSandbox"];
  return call === "execSync" && ending.includes(other);
}
const endings: readonly number[] = [codes.ok, codes.notFound, codes.failedPrecondition, codes.unavailable];

/** Whether doing `first` and then `second` explains what was answered, and what there is now. */
function explains(
  life: Life,
  [first, second]: readonly { call: Call; code: number }[],
  target: LiveLife["target"],
  now: Life,
): boolean {
  if (first === undefined || second === undefined) return false;
  const one = apply(life, first.call, target);
  const two = apply(one.life, second.call, target);
  const fits = (answered: { call: Call; code: number }, other: Call, expected: number) =>
    answered.code === expected || (interrupted(answered.call, other) && endings.includes(answered.code));
  return (
    fits(first, second.call, one.code) &&
    fits(second, first.call, two.code) &&
    now.pod.state === two.life.pod.state &&
    now.container.state === two.life.container.state
  );
}

test(`two clients race any pair of calls, ${steps} times (LICHEN_SEED=${seed})`, async (t) => {
  const random = randomFrom(seed);
  const live = new LiveLife(node, image, "raced");
  const seen = new Set<string>();
  let life = await live.look();
  for (let step = 0; step < steps; step++) {
    const { target } = live;
    const pick = () => random.pick(random.chance(0.3) ? towardsLife : calls);
    const pair = [pick(), pick()];
    const answers = await Promise.all(
      pair.map(async (call) => ({ call, code: await live.send(call, target) })),
    );
    const now = await live.look();
    const told = answers.map(({ call, code }) => `${call} → ${code}`).join(" and ");
    assert.ok(
      explains(life, answers, target, now) || explains(life, answers.toReversed(), target, now),
      `step ${step}, seed ${seed}: ${told} make of ${JSON.stringify(life)} ${JSON.stringify(now)}\n${node.log().slice(-2000)}`,
    );
    seen.add([life.pod.state, life.container.state, ...pair.toSorted()].join(" "));
    life = now;
  }
  t.diagnostic(`${seen.size} different races`);
  assert.doesNotMatch(node.log(), /"code":"INTERNAL"/);
});
