import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import fc from "fast-check";
import { parsePlace } from "../../../src/cli/commands/cp.ts";
import { forwardingArgument } from "../../../src/cli/commands/port-forward.ts";
import { since } from "../../../src/cli/log.ts";
import { sinceOption } from "../../../src/cli/options.ts";
import { DetachKeys } from "../../../src/cli/streams/detach-keys.ts";
import { exitCode } from "../../../src/cli/streams/session.ts";
import { LichenError } from "../../../src/errors.ts";
import { failureStatus } from "../../../src/streaming/status.ts";

/** What passes the keys when they arrive in these chunks, and how often they meant to detach. */
async function typed(...chunks: Buffer[]): Promise<{ passed: Buffer; detached: number }> {
  let detached = 0;
  const keys = new DetachKeys(() => {
    detached++;
    keys.end();
  });
  for (const chunk of chunks) keys.write(chunk);
  if (detached === 0) keys.end();
  return { passed: await buffer(keys), detached };
}

test("ctrl-p ctrl-q detach, in one chunk or in two, and go nowhere", async () => {
  assert.deepEqual(await typed(Buffer.from("ls\x10\x11")), { passed: Buffer.from("ls"), detached: 1 });
  assert.deepEqual(await typed(Buffer.from("\x10"), Buffer.from("\x11")), {
    passed: Buffer.alloc(0),
    detached: 1,
  });
});

test("keys without ctrl-p ctrl-q pass unchanged, however they are cut", async () => {
  const key = fc.oneof(fc.constant(0x10), fc.integer({ min: 0x12, max: 0xff }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(key, { maxLength: 5 })), async (chunks) => {
      const { passed, detached } = await typed(...chunks.map((chunk) => Buffer.from(chunk)));
      assert.deepEqual(passed, Buffer.from(chunks.flat()));
      assert.equal(detached, 0);
    }),
  );
});

test("pairs of ports", () => {
  assert.deepEqual(forwardingArgument("8080:80"), [{ local: 8080, remote: 80 }]);
  assert.deepEqual(forwardingArgument("80"), [{ local: 80, remote: 80 }]);
  assert.deepEqual(forwardingArgument(":80", [{ local: 1, remote: 2 }]), [
    { local: 1, remote: 2 },
    { local: 0, remote: 80 },
  ]);
  for (const wrong of ["", ":", "80:", "0", "1:0", "65536", "65536:1", "a:b", "1:2:3", "-1:2"]) {
    assert.throws(() => forwardingArgument(wrong), /Give LOCAL:REMOTE/, wrong);
  }
});

test("places for cp: what has a slash or dot before its colon is here", () => {
  assert.deepEqual(parsePlace("web:/etc/hosts"), { container: "web", path: "/etc/hosts" });
  assert.deepEqual(parsePlace("web:"), { container: "web", path: "." });
  for (const here of ["file", "/a:b", "./a:b", "a/b:c", ":x"]) {
    assert.deepEqual(parsePlace(here), { container: undefined, path: here });
  }
});

test("exit codes come from a status object; other failures are errors", () => {
  const failure = (code: string) => ({
    status: "Failure",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: code }] },
  });
  assert.equal(exitCode(JSON.stringify({ status: "Success" })), 0);
  assert.equal(exitCode(JSON.stringify(failure("137"))), 137);
  assert.throws(() => exitCode(JSON.stringify({ status: "Failure", message: "no such container" })), {
    reason: "no such container",
  });
  assert.throws(() => exitCode(undefined), { code: "UNAVAILABLE" });
});

test("a command that could not be executed is told in the daemon's words, with a shell's status", () => {
  for (const [code, exitStatus] of [
    ["NOT_FOUND", 127],
    ["PERMISSION_DENIED", 126],
    ["INTERNAL", 0],
  ] as const) {
    const error = new LichenError({ code, operation: "find command", object: "x: y", reason: "none" });
    const status = JSON.stringify(failureStatus("executing command in container", error));
    assert.throws(() => exitCode(status), { reason: "find command x: y: none", exitStatus });
  }
});

test("logs since a time or a duration ago", () => {
  assert.equal(sinceOption("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05.000000000Z");
  assert.equal(sinceOption("2026-01-02T03:04:05+01:00"), "2026-01-02T02:04:05.000000000Z");
  const minutesAgo = (Date.now() - Date.parse(`${sinceOption("2m").slice(0, 23)}Z`)) / 60_000;
  assert.ok(minutesAgo >= 2 && minutesAgo < 2.1);
  for (const wrong of ["", "10", "m", "1y", "yesterday", "2026"])
    assert.throws(() => sinceOption(wrong), wrong);
  const lines = ["01", "02", "03"].map((second) => ({
    time: `2026-01-02T03:04:${second}.000000001Z`,
    stream: "stdout" as const,
    complete: true,
    text: second,
  }));
  const young = since(lines, sinceOption("2026-01-02T03:04:02Z"));
  assert.deepEqual(
    young.map(({ text }) => text),
    ["02", "03"],
  );
  assert.equal(since(lines, undefined).length, 3);
});
