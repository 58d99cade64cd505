import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { expected, type Surroundings, told } from "../../support/config-oracle.ts";
import {
  createInspector,
  type InspectorNode,
  inspected,
  inspectorPod,
  startInspectorNode,
  surroundings,
} from "../../support/inspector-node.ts";
import type { TestPod } from "../../support/pods.ts";
import { type Wish, wishes } from "../../support/random-config.ts";

// Random configurations, right and wrong: what a container tells about itself is compared with what was wished, by an oracle that
// knows nothing of lichen's code; what is wrong is refused with the right code and leaves nothing.

const number = Number(process.env.LICHEN_RANDOM_CONFIGS ?? (process.env.LICHEN_LONG_TESTS ? 5000 : 500));
const seed = Number(process.env.LICHEN_RANDOM_SEED ?? Date.now() % 2 ** 31);
const atOnce = 4;

let place: InspectorNode;
before(async () => {
  place = await startInspectorNode();
});
after(() => place.node.stop());

let made = 0;

/** Grants one wish, or sees it refused; throws with what is wrong. */
async function grant(wish: Wish, pod: TestPod, around: Surroundings): Promise<"granted" | "refused"> {
  const name = `c${++made}`;
  const created = createInspector(place, pod, name, wish);
  if (wish.wrong !== undefined) {
    await assert.rejects(created, new RegExp(wish.wrong.code), wish.wrong.what);
    return "refused";
  }
  const { containerId } = await created;
  const inspection = await inspected(place, pod, name, containerId);
  assert.deepEqual(told(inspection, wish, around), expected(wish, around));
  return "granted";
}

test(`${number} random configurations (seed ${seed})`, async (t) => {
  const { node } = place;
  const { runtimeHandlers } = await node.client.status({});
  const hasUserNamespaces = runtimeHandlers[0]?.features?.userNamespaces === true;
  if (!hasUserNamespaces)
    t.diagnostic("no pods with user namespaces of their own: the node cannot make them");
  const pods = new Map<string, { pod: TestPod; around: Surroundings }>();
  for (const pid of ["pod", "container"] as const) {
    for (const ownUsers of hasUserNamespaces ? [false, true] : [false]) {
      const pod = await inspectorPod(node, pid, ownUsers);
      pods.set(`${pid} ${ownUsers}`, { pod, around: await surroundings(node, pod) });
    }
  }
  const todo = fc
    .sample(wishes, { numRuns: number, seed })
    .map((wish) => ({ ...wish, ownUsers: wish.ownUsers && hasUserNamespaces }));
  const done = { granted: 0, refused: 0 };
  const worker = async () => {
    for (let wish = todo.pop(); wish !== undefined; wish = todo.pop()) {
      const { pod, around } = pods.get(`${wish.pid} ${wish.ownUsers}`)!;
      try {
        done[await grant(wish, pod, around)]++;
      } catch (error) {
        todo.length = 0;
        const shown = JSON.stringify({ ...wish, wrong: wish.wrong?.what });
        throw new Error(`LICHEN_RANDOM_SEED=${seed} LICHEN_RANDOM_CONFIGS=${number}: ${shown}`, {
          cause: error,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { containers } = await node.client.listContainers({});
  assert.deepEqual(containers, [], "what was refused is not there");
  t.diagnostic(`${done.granted} granted, ${done.refused} refused`);
  assert.ok(done.granted > number / 2 && done.refused > number / 10);
});
