import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { RuntimeSpec } from "../../../src/oci-runtime.ts";
import { accounts } from "../../fixtures/image-inspector.ts";
import { type Expectation, type Surroundings, told } from "../../support/config-oracle.ts";
import { type CrunPlace, inspectedByCrun } from "../../support/crun.ts";
import {
  createInspector,
  type InspectorNode,
  inspected,
  inspectorPod,
  monitorOf,
  startInspectorNode,
  surroundings,
} from "../../support/inspector-node.ts";
import { peersMissing } from "../../support/peers.ts";
import type { TestPod } from "../../support/pods.ts";
import { type Wish, wishes } from "../../support/random-config.ts";

// Random configurations that are right: what the container tells about itself is the same when crun makes it from the runtime spec that
// lichen shows for it, in the same user, network, IPC and UTS namespaces.

const number = Number(process.env.LICHEN_RANDOM_CONFIGS ?? (process.env.LICHEN_LONG_TESTS ? 5000 : 60));
const seed = Number(process.env.LICHEN_RANDOM_SEED ?? Date.now() % 2 ** 31);
const skip = peersMissing("crun");
const atOnce = 2;

let place: InspectorNode;
let pod: TestPod;
let around: Surroundings;
let crun: CrunPlace;
before(async () => {
  if (skip) return;
  place = await startInspectorNode();
  const { node } = place;
  pod = await inspectorPod(node, "container", false);
  around = await surroundings(node, pod);
  crun = { node, monitor: await monitorOf(node, pod), oomScoreAdj: around.oomScoreAdj };
});
after(() => place?.node.stop());

interface Departure {
  why: string;
  when: (wish: Wish) => boolean;
  /** Where in what was told. */
  of: (told: Expectation) => Record<string, unknown>;
  key: string;
  crun: unknown;
  lichen: unknown;
}

/** What is mounted below a path that is made read-only. */
function belowReadonly({ readonlyTmp, privileged, mounts }: Wish): Wish["mounts"][number] | undefined {
  return readonlyTmp && !privileged ? mounts.find(({ path }) => path === "/tmp/in") : undefined;
}

/** Where lichen is right to differ: each side must be exactly as said here. */
const departures: Departure[] = [
  {
    why: "crun gives no HOME to a user without an account; lichen does as runc, whose images expect one",
    when: ({ user, env }) =>
      user !== undefined &&
      "uid" in user &&
      !accounts.users.some(({ uid }) => uid === user.uid) &&
      env.HOME === undefined,
    of: ({ env }) => env,
    key: "HOME",
    crun: undefined,
    lichen: "/",
  },
  {
    why: "crun leaves what is mounted below a read-only path writable, even what is read-only itself; lichen nothing",
    when: (wish) => {
      const mount = belowReadonly(wish);
      return mount !== undefined && !(mount.access === "rro" && mount.of === "directory");
    },
    of: ({ probes }) => probes,
    key: "w:/tmp/in",
    crun: 0,
    lichen: 30, // EROFS
  },
  {
    why: "crun takes the propagation that was asked for from what is mounted below a read-only path; lichen leaves it",
    when: (wish) => {
      const mount = belowReadonly(wish);
      return mount?.slave === true && mount.access !== "rro";
    },
    of: ({ mounts }) => mounts,
    key: "/tmp/in",
    crun: "private",
    lichen: "slave",
  },
];

function settle(wish: Wish, ours: Expectation, theirs: Expectation): void {
  for (const { why, of, key, crun, lichen } of departures.filter(({ when }) => when(wish))) {
    assert.deepEqual({ crun: of(theirs)[key], lichen: of(ours)[key] }, { crun, lichen }, why);
    delete of(theirs)[key];
    delete of(ours)[key];
  }
}

let made = 0;

async function compare(wish: Wish): Promise<void> {
  const name = `c${++made}`;
  const { containerId } = await createInspector(place, pod, name, wish);
  const { info } = await place.node.client.containerStatus({ containerId, verbose: true });
  const spec: RuntimeSpec = JSON.parse(info.info ?? "{}").runtimeSpec;
  const ours = told(await inspected(place, pod, name, containerId), wish, around);
  const theirs = told(await inspectedByCrun(spec, name, crun), wish, around);
  settle(wish, ours, theirs);
  assert.deepEqual(ours, theirs);
}

test(`${number} random configurations as crun makes them (seed ${seed})`, { skip }, async (t) => {
  const valid = wishes.map(
    (wish): Wish => ({ ...wish, wrong: undefined, ownUsers: false, pid: "container" }),
  );
  const todo = fc.sample(valid, { numRuns: number, seed });
  const worker = async () => {
    for (let wish = todo.pop(); wish !== undefined; wish = todo.pop()) {
      try {
        await compare(wish);
      } catch (error) {
        todo.length = 0;
        const seeds = `LICHEN_RANDOM_SEED=${seed} LICHEN_RANDOM_CONFIGS=${number}`;
        throw new Error(`${seeds}: ${JSON.stringify(wish)}\n${(error as Error).message}`, { cause: error });
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, worker));
  } catch (error) {
    if (!(error as Error).message.includes("invalid file system type on '/sys/fs/cgroup'")) throw error;
    return t.skip("crun runs nothing where /sys/fs/cgroup is not of version 2: no cgroup is delegated here");
  }
  assert.equal(made, number);
});
