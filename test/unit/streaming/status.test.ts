import assert from "node:assert/strict";
import { test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { choose, commandProtocols } from "../../../src/streaming/negotiation.ts";
import { exitStatus, failureStatus } from "../../../src/streaming/status.ts";

test("an exit code travels as the cause that clients read", () => {
  assert.equal(exitStatus(0).status, "Success");
  const { status, reason, details } = exitStatus(137);
  assert.deepEqual(
    { status, reason, details },
    {
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "137" }] },
    },
  );
});

test("a failure says what was being done, why it failed and what to do", () => {
  const error = new LichenError({
    code: "NOT_FOUND",
    operation: "find",
    object: "x",
    reason: "is gone",
    hint: "look elsewhere",
  });
  const { status, code, message, details } = failureStatus("attaching to container", error);
  assert.deepEqual({ status, code }, { status: "Failure", code: 500 });
  assert.equal(details?.causes[0]?.reason, "NOT_FOUND");
  assert.match(message ?? "", /error attaching to container: find x: is gone \(look elsewhere\)/);
});

test("of the known protocols the one that the client wants most is chosen", () => {
  assert.equal(
    choose(["v9.x", "v4.channel.k8s.io", "v5.channel.k8s.io"], commandProtocols),
    "v4.channel.k8s.io",
  );
  assert.equal(choose(["v9.x"], commandProtocols), undefined);
  assert.equal(choose([], commandProtocols), undefined);
});
