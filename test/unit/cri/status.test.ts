import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { toServiceError } from "../../../src/cri/status.ts";
import { type Code, LichenError, within } from "../../../src/errors.ts";

const codes: Code[] = [
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "FAILED_PRECONDITION",
  "RESOURCE_EXHAUSTED",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "UNAVAILABLE",
  "UNIMPLEMENTED",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "DATA_LOSS",
  "INTERNAL",
];

const failure = (code: Code, hint?: string) =>
  new LichenError({
    code,
    operation: "pull image",
    object: "app:1",
    reason: "no such tag",
    ...(hint ? { hint } : {}),
  });

describe("gRPC status of an error", () => {
  for (const code of codes) {
    it(`is ${code} for ${code}`, () => assert.equal(toServiceError(failure(code)).code, status[code]));
  }

  it("tells operation, object and reason", () => {
    assert.equal(toServiceError(failure("NOT_FOUND")).details, "pull image app:1: no such tag");
  });

  it("tells the hint", () => {
    assert.equal(
      toServiceError(failure("NOT_FOUND", "look at the tags")).details,
      "pull image app:1: no such tag (look at the tags)",
    );
  });

  it("keeps the code and the hint of an error seen from a layer up", () => {
    const error = toServiceError(within("create container", "web", failure("NOT_FOUND", "pull it")));
    assert.equal(error.code, status.NOT_FOUND);
    assert.equal(error.details, "create container web: pull image app:1: no such tag (pull it)");
  });

  it("begins with the word that a kubelet looks for", () => {
    const fields = {
      code: "NOT_FOUND",
      operation: "mount image volume",
      object: "app:1",
      reason: "gone",
    } as const;
    const error = toServiceError(within("create container", "web", new LichenError(fields)));
    assert.equal(
      error.details,
      "ImageVolumeMountFailed: create container web: mount image volume app:1: gone",
    );
  });

  it("is INTERNAL for what is no error of lichen's", () => {
    assert.equal(toServiceError(new TypeError("x is undefined")).code, status.INTERNAL);
    assert.match(toServiceError("thrown text").details, /thrown text/);
  });
});
