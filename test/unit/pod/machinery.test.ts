import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Code, LichenError } from "../../../src/errors.ts";
import { Conditions } from "../../../src/pod/conditions.ts";
import { Exits } from "../../../src/pod/exits.ts";
import { newId, shortId } from "../../../src/pod/ids.ts";
import { KeyedMutex } from "../../../src/pod/keyed-mutex.ts";
import { Registry } from "../../../src/pod/registry.ts";
import { Undo } from "../../../src/pod/undo.ts";

const refused = (code: Code) => (error: unknown) => error instanceof LichenError && error.code === code;

/** A log that keeps what it is told. */
function keepingLog() {
  const lines: string[] = [];
  const keep = (_fields: object, message: string) => void lines.push(message);
  return { lines, log: { debug: keep, info: keep, warn: keep, error: keep } };
}

test("work with one key is done one after another, in order; other keys do not wait", async () => {
  const mutex = new KeyedMutex();
  const events: string[] = [];
  const work = (key: string, name: string, milliseconds: number) =>
    mutex.run(key, async () => {
      events.push(`${name} begins`);
      await sleep(milliseconds);
      events.push(`${name} ends`);
    });
  await Promise.all([work("a", "slow", 30), work("a", "second", 0), work("b", "other", 5)]);
  assert.deepEqual(events, [
    "slow begins",
    "other begins",
    "other ends",
    "slow ends",
    "second begins",
    "second ends",
  ]);
});

test("work that fails lets the next in, and its failure out", async () => {
  const mutex = new KeyedMutex();
  const failing = mutex.run("a", async () => {
    throw new Error("no");
  });
  const next = mutex.run("a", async () => "yes");
  await assert.rejects(failing, /no/);
  assert.equal(await next, "yes");
});

test("undo runs backwards, once, and past steps that fail", async () => {
  const { lines, log } = keepingLog();
  const undo = new Undo(log);
  const done: number[] = [];
  undo.add("one", () => void done.push(1));
  undo.add("two", async () => {
    throw new Error("stuck");
  });
  undo.add("three", async () => void done.push(3));
  await undo.run();
  await undo.run();
  assert.deepEqual(done, [3, 1]);
  assert.deepEqual(lines, ["could not undo: two"]);
});

test("waiting for an end: told, too late, and no longer interested", async () => {
  const exits = new Exits();
  const waiting = exits.waitFor("a", 1000);
  let told = 0;
  exits.subscribe("a", () => told++);
  const unsubscribe = exits.subscribe("a", () => told++);
  unsubscribe();
  exits.notify("a");
  exits.notify("a");
  assert.equal(await waiting, true);
  assert.equal(told, 1);
  assert.equal(await exits.waitFor("b", 5), false);
});

test("ids are 64 hex digits and never the same", () => {
  const ids = Array.from({ length: 100 }, newId);
  assert.ok(ids.every((id) => /^[0-9a-f]{64}$/.test(id)));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(shortId(ids[0]!).length, 16);
});

interface Thing {
  id: string;
  state: "creating" | "alive" | "dead";
  note: string;
}

function registry(...things: Thing[]) {
  const saved = new Map<string, Thing>();
  const store = {
    insert: (thing: Thing) => void saved.set(thing.id, thing),
    update: (thing: Thing) => void saved.set(thing.id, thing),
    delete: (id: string) => void saved.delete(id),
    all: () => things,
  };
  const transitions = { creating: ["alive"], alive: ["dead"], dead: [] } as const;
  return { saved, things: new Registry<Thing>("thing", store, transitions) };
}
const thing = (id: string, state: Thing["state"] = "alive"): Thing => ({ id, state, note: "" });

test("a thing is found by its id or a beginning that only it has", () => {
  const { things } = registry(thing("abc1"), thing("abd2"));
  assert.equal(things.get("abc").id, "abc1");
  assert.equal(things.get("abd2").id, "abd2");
  assert.throws(() => things.get("ab"), refused("INVALID_ARGUMENT"));
  assert.throws(() => things.get("x"), refused("NOT_FOUND"));
  assert.throws(() => things.get(""), refused("INVALID_ARGUMENT"));
  assert.equal(things.find("x"), undefined);
});

test("what is being made is not seen, but is known", () => {
  const { things } = registry(thing("abc1", "creating"), thing("abc2"));
  assert.deepEqual(
    things.visible().map(({ id }) => id),
    ["abc2"],
  );
  assert.equal(things.get("abc").id, "abc2");
  assert.equal(things.find("abc1"), undefined);
  assert.equal(things.exact("abc1")?.state, "creating");
});

test("states follow one another as they must", () => {
  const { things, saved } = registry(thing("a"));
  assert.equal(things.update("a", { note: "x" }).note, "x");
  things.update("a", { state: "dead" });
  assert.equal(saved.get("a")?.state, "dead");
  assert.throws(() => things.update("a", { state: "alive" }), refused("INTERNAL"));
  assert.equal(things.get("a").state, "dead");
  assert.throws(() => things.update("b", {}), refused("NOT_FOUND"));
});

test("a change that cannot be stored has not happened; a record given out stays as it was", () => {
  const { things } = registry(thing("a"));
  const before = things.get("a");
  assert.throws(() =>
    things.update("a", { note: "lost" }, () => {
      throw new Error("disk full");
    }),
  );
  assert.equal(things.get("a").note, "");
  things.update("a", { note: "kept" });
  assert.equal(before.note, "");
});

test("deleted is gone, for the store as well", () => {
  const { things, saved } = registry();
  things.insert(thing("a"), "name");
  things.delete("a");
  assert.equal(things.find("a"), undefined);
  assert.equal(saved.size, 0);
});

const network = { state: () => ({ ready: false, reason: "BridgeNotMade", message: "no bridge" }) };

/** A node with this cgroup driver and this user's systemd. */
function onNode(driver: string, manager?: { socket: string; reason: string }) {
  return { node: { cgroup: { manager } }, config: { cgroups: { driver } } } as never;
}

test("systemd's slices without a systemd are a condition, if they are what is configured", () => {
  const { log } = keepingLog();
  const told = (...node: Parameters<typeof onNode>) =>
    new Conditions(log, onNode(...node)).list(network, "").slice(1);
  const missing = { socket: "", reason: "no systemd of this user answers" };
  const [condition] = told("systemd", missing);
  assert.deepEqual(
    [condition?.type, condition?.ok, condition?.reason],
    ["SystemdSlices", false, "NoUserManager"],
  );
  assert.match(condition?.message ?? "", /nested in lichen's own cgroup.*: no systemd of this user answers$/);
  assert.match(told("systemd")[0]?.message ?? "", /the launcher that runs knows none/);
  assert.deepEqual(told("systemd", { socket: "/run/user/1/systemd/private", reason: "" }), []);
  assert.deepEqual(told("auto", missing), []);
});

test("what pods do without, though the network is ready, is told beside it", () => {
  const { log } = keepingLog();
  const lack = (type: string) => ({ type, reason: "NoMasquerade", message: "no way out" });
  const ready = { state: () => ({ ready: true, reason: "", message: "", lacks: [lack("PodUplink")] }) };
  const told = new Conditions(log, onNode("auto")).list(ready, "", [lack("HostPortClients")]);
  assert.deepEqual(
    told.map(({ type, ok, message }) => [type, ok, message]),
    [
      ["NetworkReady", true, ""],
      ["PodUplink", false, "no way out"],
      ["HostPortClients", false, "no way out"],
    ],
  );
});

test("conditions begin with the network and tell once what is not enforced", () => {
  const { lines, log } = keepingLog();
  const conditions = new Conditions(log, onNode("auto", { socket: "", reason: "no systemd" }));
  assert.deepEqual(conditions.list(network, ""), [
    { type: "NetworkReady", ok: false, reason: "BridgeNotMade", message: "no bridge" },
  ]);
  const setting = {
    controller: "cpu",
    file: "cpu.max",
    value: "1",
    kind: "limit",
    asked: "cpu_quota",
  } as const;
  conditions.unenforced(setting, "web");
  conditions.unenforced(setting, "db");
  const [, resources, ...more] = conditions.list(network, "");
  assert.deepEqual(more, []);
  assert.equal(resources?.ok, false);
  assert.match(resources?.message ?? "", /without what was asked for: cpu_quota;/);
  assert.equal(lines.length, 2);
});
