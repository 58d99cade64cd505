import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Channel } from "../../../src/native/channel.ts";
import { socketPair } from "../../../src/native/fd.ts";
import { openPid, spawn, watchPid } from "../../../src/native/process.ts";

// What has ended is collected, and all that its callbacks lead to: a daemon has a channel for every pod there ever was.

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** How many of them are left once everything that nobody holds has been collected. */
async function left(things: readonly WeakRef<object>[]): Promise<number> {
  const alive = () => things.filter((thing) => thing.deref() !== undefined).length;
  for (let i = 0; i < 20 && alive() > 0; i++) {
    // Who looks at a WeakRef keeps its object for the rest of the turn.
    await turn();
    collect();
    await turn();
  }
  return alive();
}

/** Handlers that lead to something large, as those of a pod's monitor do. */
function handlers() {
  const pod = { channel: undefined as Channel | undefined };
  const message = () => void pod.channel;
  return { pod, handlers: { message, close: message } };
}

test("channels that were closed here", async () => {
  const pods = Array.from({ length: 20 }, () => {
    const [one, other] = socketPair();
    const { pod, handlers: both } = handlers();
    pod.channel = Channel.from(one, both);
    pod.channel.close();
    other.close();
    return new WeakRef(pod);
  });
  assert.equal(await left(pods), 0);
});

test("channels that the peer closed", async () => {
  const ends: Promise<unknown>[] = [];
  const pods = Array.from({ length: 20 }, () => {
    const [one, other] = socketPair();
    const { pod, handlers: both } = handlers();
    ends.push(
      new Promise<void>((resolve) => {
        pod.channel = Channel.from(one, { message: both.message, close: () => resolve() });
      }),
    );
    other.close();
    return new WeakRef(pod);
  });
  await Promise.all(ends);
  ends.length = 0;
  assert.equal(await left(pods), 0);
});

test("watched processes, ended and given up", async () => {
  const exits: Promise<unknown>[] = [];
  const watchers = Array.from({ length: 20 }, (_, index) => {
    const child = spawn({ file: "/bin/true", args: ["true"], env: {}, stdio: {} });
    const watcher = {};
    exits.push(new Promise((resolve) => void watchPid(child.pidfd, (exit) => resolve([watcher, exit]))));
    const given = openPid(process.pid);
    const up = {};
    watchPid(given, () => void up).close();
    for (const fd of [child.pidfd, given]) fd.close();
    return [new WeakRef(watcher), new WeakRef(up)][index % 2] as WeakRef<object>;
  });
  await Promise.all(exits);
  exits.length = 0;
  assert.equal(await left(watchers), 0);
});
