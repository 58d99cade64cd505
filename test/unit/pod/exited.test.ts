import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { containerExited, lostContainer } from "../../../src/pod/container/exited.ts";
import { type PodContext, podDirectory } from "../../../src/pod/context.ts";
import { Exits } from "../../../src/pod/exits.ts";
import { Registry } from "../../../src/pod/registry.ts";
import type { ContainerRecord, ContainerState } from "../../../src/store/containers.ts";

const runtimeDir = mkdtempSync(join(tmpdir(), "lichen-exited-"));
after(() => rmSync(runtimeDir, { recursive: true }));

const id = "c".repeat(64);
const sandboxId = "b".repeat(64);

/** One container in a state, with the exit record that its monitor has left. */
function node(state: ContainerState, exitRecord?: string) {
  const record = { id, sandboxId, state, pid: 42, exitCode: 0, finishedAt: 0n } as ContainerRecord;
  const store = { insert: () => {}, update: () => {}, delete: () => {}, all: () => [record] };
  const containers = new Registry<ContainerRecord>("container", store, {
    creating: ["created"],
    created: ["running", "exited"],
    running: ["exited"],
    exited: [],
  });
  const context = { runtimeDir, containers, exits: new Exits() } as unknown as PodContext;
  const path = join(podDirectory(context, sandboxId), "exits", id);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  if (exitRecord !== undefined) writeFileSync(path, exitRecord);
  let told = 0;
  context.exits.subscribe(id, () => told++);
  const now = () => {
    const { state, pid, exitCode, reason, message, finishedAt } = containers.exact(id) as ContainerRecord;
    return { state, pid, exitCode, reason, message, finishedAt, told };
  };
  return { context, record, now };
}

const exit = { container: id, code: 0, signal: 0, at: 7n, oom: false };

test("how a container ended is told by code, signal and memory", () => {
  for (const [more, exitCode, reason, message] of [
    [{}, 0, "Completed", ""],
    [{ code: 3 }, 3, "Error", ""],
    [{ code: 143, signal: 15 }, 143, "Error", "killed by signal 15"],
    [{ code: 137, signal: 9, oom: true }, 137, "OOMKilled", "killed by signal 9"],
  ] as const) {
    const { context, now } = node("running");
    containerExited(context, { ...exit, ...more });
    assert.deepEqual(now(), { state: "exited", pid: 0, exitCode, reason, message, finishedAt: 7n, told: 1 });
  }
});

test("what was told already, or is of no container, changes nothing", () => {
  const { context, now } = node("running");
  containerExited(context, { ...exit, code: 3 });
  containerExited(context, { ...exit, code: 4, at: 9n });
  containerExited(context, { ...exit, container: "d".repeat(64) });
  assert.deepEqual([now().exitCode, now().finishedAt, now().told], [3, 7n, 1]);
  const making = node("creating");
  containerExited(making.context, exit);
  lostContainer(making.context, making.record);
  assert.deepEqual([making.now().state, making.now().told], ["creating", 0]);
});

const recorded = '{"code":143,"signal":15,"at":"1700000000123456789","oom":false}';

test("what a monitor that is gone has recorded counts", () => {
  const { context, record, now } = node("running", recorded);
  lostContainer(context, record);
  const { state, exitCode, reason, finishedAt } = now();
  assert.deepEqual(
    [state, exitCode, reason, finishedAt],
    ["exited", 143, "Error", 1_700_000_000_123_456_789n],
  );
});

test("without a record, or with a torn one, the container was killed with its monitor", () => {
  const torn = Array.from({ length: recorded.length }, (_, length) => recorded.slice(0, length));
  for (const text of [undefined, ...torn, "null", "[]", "{}", `${recorded}}`]) {
    const { context, record, now } = node("running", text);
    lostContainer(context, record);
    const { state, exitCode, reason, message, finishedAt, told } = now();
    assert.deepEqual([state, exitCode, reason, told], ["exited", 137, "Unknown", 1], text);
    assert.match(message, /monitor died/);
    assert.ok(finishedAt > 1_700_000_000_000_000_000n);
  }
});

test("a container that had ended before stays as it was", () => {
  const { context, record, now } = node("exited", recorded);
  lostContainer(context, record);
  assert.deepEqual([now().exitCode, now().told], [0, 0]);
});
