import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { LichenError } from "../../../../src/errors.ts";
import { kinds } from "../../../../src/resources/systemd/message.ts";
import { UserManager } from "../../../../src/resources/systemd/user-manager.ts";
import { answer, type Behaviour, FakeSystemd, jobRemoved } from "../../../support/fake-systemd.ts";
import { eventually } from "../../../support/pods.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-systemd-"));
const path = join(base, "private");
after(() => rmSync(base, { recursive: true }));

let systemd: FakeSystemd;
afterEach(() => systemd?.close());

const job = "/org/freedesktop/systemd1/job/42";
const scope = { name: "lichen-a.scope", slice: "pods-a.slice", description: "Pod web", pid: 4711 };
const serve = async (behaviour: Behaviour) => {
  systemd = await FakeSystemd.listen(path, behaviour);
  return new UserManager(path, 1234);
};
const failure = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof LichenError && error.code === code && pattern.test(error.message);
const refusing =
  (errorName: string, text: string): Behaviour =>
  (call, send) =>
    send({ kind: kinds.error, replySerial: call.serial, errorName, signature: "s", body: [text] });

test("a scope is asked for in systemd's form, and its job waited for", async () => {
  let ended = false;
  const manager = await serve((call, send) => {
    send(answer(call, "o", [job]));
    send(jobRemoved("/org/freedesktop/systemd1/job/41", "other.service", "failed"));
    setTimeout(() => {
      ended = true;
      send(jobRemoved(job, scope.name, "done"));
    }, 20);
  });
  await manager.startScope(scope);
  assert.ok(ended);
  const [call] = systemd.calls;
  assert.equal(call?.path, "/org/freedesktop/systemd1");
  assert.equal(call.interface, "org.freedesktop.systemd1.Manager");
  assert.equal(call.destination, "org.freedesktop.systemd1");
  assert.equal(call.member, "StartTransientUnit");
  assert.equal(call.signature, "ssa(sv)a(sa(sv))");
  const [name, mode, properties] = call.body as [string, string, [string, unknown][]];
  assert.deepEqual([name, mode], ["lichen-a.scope", "fail"]);
  assert.deepEqual(Object.fromEntries(properties), {
    Description: { type: "s", value: "Pod web" },
    Slice: { type: "s", value: "pods-a.slice" },
    Delegate: { type: "b", value: true },
    PIDs: { type: "au", value: [4711] },
    TasksMax: { type: "t", value: 2n ** 64n - 1n },
    TimeoutStopUSec: { type: "t", value: 30_000_000n },
    CollectMode: { type: "s", value: "inactive-or-failed" },
  });
  assert.deepEqual(systemd.handshakes, ["\0AUTH EXTERNAL 31323334", "BEGIN"]);
  await eventually(() => assert.equal(systemd.open, 0));
});

test("a job that ends before the call is answered, and answers in pieces of a byte", async () => {
  const manager = await serve((call, send) => {
    send(jobRemoved(job, scope.name, "done"));
    send(answer(call, "o", [job]));
  });
  systemd.pieces = 1;
  await manager.startScope(scope);
  await manager.stopUnit(scope.name);
  assert.deepEqual(systemd.calls[1]?.body, [scope.name, "replace"]);
});

test("a job that does not succeed is a failure with its result", async () => {
  const manager = await serve((call, send) => {
    send(answer(call, "o", [job]));
    send(jobRemoved(job, scope.name, "dependency"));
  });
  await assert.rejects(
    manager.startScope(scope),
    failure("FAILED_PRECONDITION", /start systemd unit lichen-a\.scope: the job's result is "dependency"/),
  );
});

test("systemd's refusal is told in its words", async () => {
  const manager = await serve(refusing("org.freedesktop.systemd1.UnitMasked", "Unit pods.slice is masked."));
  await assert.rejects(
    manager.startScope(scope),
    failure("FAILED_PRECONDITION", /Unit pods\.slice is masked\. \(org\.freedesktop\.systemd1\.UnitMasked\)/),
  );
});

test("stopping what is not there is fine, other failures are not", async () => {
  await (await serve(refusing("org.freedesktop.systemd1.NoSuchUnit", "Unit not loaded."))).stopUnit(
    "a.scope",
  );
  systemd.close();
  const manager = await serve(refusing("org.freedesktop.DBus.Error.AccessDenied", "No."));
  await assert.rejects(manager.stopUnit("a.scope"), failure("FAILED_PRECONDITION", /AccessDenied/));
});

test("many pods at once have a job each", async () => {
  let count = 0;
  const manager = await serve((call, send) => {
    const own = `/job/${++count}`;
    send(answer(call, "o", [own]));
    const result = String(call.body[0]).includes("bad") ? "failed" : "done";
    setTimeout(() => send(jobRemoved(own, String(call.body[0]), result)), 10 - count);
  });
  const names = ["a", "bad", "c", "d"];
  const results = await Promise.allSettled(names.map((name) => manager.startScope({ ...scope, name })));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
});

test("no systemd, one that refuses us, one that dies and one that talks rubbish are UNAVAILABLE", async () => {
  await assert.rejects(
    new UserManager(join(base, "nowhere"), 1).startScope(scope),
    failure("UNAVAILABLE", /ENOENT/),
  );
  const refused = await serve(() => {});
  systemd.welcome = "REJECTED EXTERNAL\r\n";
  await assert.rejects(refused.startScope(scope), failure("UNAVAILABLE", /REJECTED/));
  systemd.close();
  const dying = await serve((call, send) => {
    send(answer(call, "o", [job]));
    setTimeout(() => systemd.close(), 10);
  });
  await assert.rejects(dying.startScope(scope), failure("UNAVAILABLE", /closed the connection/));
  const silent = await serve(() => systemd.close());
  await assert.rejects(silent.startScope(scope), failure("UNAVAILABLE", /closed the connection/));
  const rubbish = await serve((_call, send) => {
    send({ kind: kinds.signal, member: "x".repeat(300), signature: "s", body: ["x"] });
  });
  systemd.welcome = "OK 1\r\nHTTP/1.1 400 Bad Request\r\n";
  await assert.rejects(rubbish.startScope(scope), failure("UNAVAILABLE", /no D-Bus message/));
});
