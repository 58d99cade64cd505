import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "../../../src/cli/report.ts";
import { socketOf } from "../../../src/cli/socket.ts";
import { LichenError } from "../../../src/errors.ts";

const callError = (code: number, details: string): Error =>
  Object.assign(new Error(`${code} ${details}`), { code, details, metadata: {} });

test("an error of ours is its message and its hint", () => {
  const error = new LichenError({
    code: "NOT_FOUND",
    operation: "find",
    object: "x",
    reason: "gone",
    hint: "look",
  });
  assert.deepEqual(explain(error, "/s"), { message: "find x: gone", hint: "look" });
});

test("a call that reaches nobody says how to start the daemon", () => {
  for (const why of ["connect ENOENT /s", "connect ECONNREFUSED /s"]) {
    const told = explain(callError(14, `No connection established. Last error: Error: ${why}`), "/s");
    assert.deepEqual(told, {
      message: "connect /s: no daemon listens there",
      hint: "start it with: lichen serve",
    });
  }
});

test("what the daemon says is passed on, hint and all", () => {
  assert.deepEqual(explain(callError(5, "pull image x: no such image"), "/s"), {
    message: "pull image x: no such image",
  });
  assert.deepEqual(explain("odd", "/s"), { message: "odd" });
});

test("a registry that the daemon could not reach is not taken for a missing daemon", () => {
  const message = "connect 127.0.0.1:1: ECONNREFUSED";
  assert.deepEqual(explain(callError(14, message), "/s"), { message });
});

test("the socket: an address as crictl writes it, else the runtime directory's", () => {
  assert.equal(socketOf({ address: "unix:///run/x.sock" }), "/run/x.sock");
  assert.equal(socketOf({ address: "/run/x.sock", runtimeDir: "/ignored" }), "/run/x.sock");
  assert.equal(socketOf({ runtimeDir: "/run/l" }), "/run/l/lichen.sock");
});
