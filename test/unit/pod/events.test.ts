import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { containerSteps, type LifeEvent, LifeEvents, podSteps } from "../../../src/pod/events.ts";
import { Exits } from "../../../src/pod/exits.ts";
import { containerRecord, podRecord } from "./records.ts";

const event = (id: string): LifeEvent => ({ id, step: "created", at: 1n, pod: undefined, containers: [] });

/** Reads until the subscription ends; what was read, and how it ended. */
async function read(events: AsyncIterable<LifeEvent>) {
  const ids: string[] = [];
  try {
    for await (const { id } of events) ids.push(id);
    return { ids, failure: undefined };
  } catch (error) {
    return { ids, failure: (error as { code: string }).code };
  }
}

test("every subscriber hears everything from its subscription on, in order, until it goes", async () => {
  const events = new LifeEvents();
  const [first, second] = [new AbortController(), new AbortController()];
  const one = read(events.subscribe(first.signal));
  await turn();
  events.emit(event("a"));
  const two = read(events.subscribe(second.signal));
  await turn();
  events.emit(event("b"));
  events.emit(event("c"));
  await turn();
  first.abort();
  assert.deepEqual(await one, { ids: ["a", "b", "c"], failure: undefined });
  assert.ok(events.listened);
  second.abort();
  assert.deepEqual(await two, { ids: ["b", "c"], failure: undefined });
  assert.ok(!events.listened, "nobody is kept");
});

test("who does not read is given up after what was kept for it; others hear everything", async () => {
  const events = new LifeEvents();
  const slow = events.subscribe(new AbortController().signal);
  const beginning = slow.next();
  const quick = new AbortController();
  const all = read(events.subscribe(quick.signal));
  await turn();
  for (let i = 0; i < 1500; i++) {
    events.emit(event(String(i)));
    await turn();
  }
  quick.abort();
  assert.equal((await all).ids.length, 1500);
  assert.equal((await beginning).value?.id, "0");
  const { ids, failure } = await read(slow);
  assert.deepEqual([ids.length, ids.at(-1), failure], [1000, "1000", "RESOURCE_EXHAUSTED"]);
  assert.ok(!events.listened);
});

test("a container's steps are what its record went through", () => {
  const steps = (before: object, after: object | undefined) =>
    containerSteps(containerRecord(before), after && containerRecord(after), 9n);
  const times = { createdAt: 1n, startedAt: 2n, finishedAt: 3n };
  assert.deepEqual(steps({ state: "creating" }, { state: "created", ...times }), [["created", 1n]]);
  assert.deepEqual(steps({ state: "created" }, { state: "running", ...times }), [["started", 2n]]);
  assert.deepEqual(steps({ state: "running" }, { state: "exited", ...times }), [["stopped", 3n]]);
  assert.deepEqual(steps({ state: "exited" }, undefined), [["deleted", 9n]]);
  // Nothing that anybody was told of: an unfinished one goes, or a record is only amended.
  assert.deepEqual(steps({ state: "creating" }, undefined), []);
  assert.deepEqual(steps({ state: "running" }, { state: "running", pid: 7 }), []);
  // Ended without having run; and run and ended while no daemon was there.
  assert.deepEqual(steps({ state: "created" }, { state: "exited", finishedAt: 3n }), [["stopped", 3n]]);
  assert.deepEqual(steps({ state: "created" }, { state: "exited", ...times }), [
    ["started", 2n],
    ["stopped", 3n],
  ]);
});

test("a pod sandbox is created and started at once", () => {
  const pod = (state: "creating" | "ready" | "notready") => podRecord({ state });
  assert.deepEqual(podSteps(pod("creating"), pod("ready"), 9n), [
    ["created", 1n],
    ["started", 9n],
  ]);
  assert.deepEqual(podSteps(pod("ready"), pod("notready"), 9n), [["stopped", 9n]]);
  assert.deepEqual(podSteps(pod("notready"), undefined, 9n), [["deleted", 9n]]);
  assert.deepEqual(podSteps(pod("creating"), undefined, 9n), []);
});

test("an exit that is reported while a container starts is told after the start", async () => {
  const exits = new Exits();
  const heard: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const starting = exits.whileStarting("a", async () => {
    await promise;
    heard.push("started");
  });
  exits.tellAfterStart("a", () => heard.push("a ended"));
  exits.tellAfterStart("b", () => heard.push("b ended"));
  resolve();
  await starting;
  exits.tellAfterStart("a", () => heard.push("told at once"));
  assert.deepEqual(heard, ["b ended", "started", "a ended", "told at once"]);
});

test("an exit is told after a start that failed as well", async () => {
  const exits = new Exits();
  let told = false;
  const starting = exits.whileStarting("a", () => Promise.reject(new Error("no")));
  exits.tellAfterStart("a", () => {
    told = true;
  });
  await assert.rejects(starting, /no/);
  assert.ok(told);
});
