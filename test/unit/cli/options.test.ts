import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { countOption, environmentOption, secondsOption, volumeOption } from "../../../src/cli/options.ts";

test("variables are collected, with their value from here when none is given", () => {
  process.env.LICHEN_TEST_HERE = "found";
  const first = environmentOption("A=b=c");
  const all = environmentOption("LICHEN_TEST_HERE", environmentOption("EMPTY=", first));
  assert.deepEqual(
    all.map(({ key, value }) => [key, Buffer.from(value).toString()]),
    [
      ["A", "b=c"],
      ["EMPTY", ""],
      ["LICHEN_TEST_HERE", "found"],
    ],
  );
  assert.throws(() => environmentOption("=x"), /NAME=VALUE/);
  assert.throws(() => environmentOption("LICHEN_TEST_NOT_THERE"), /is not set here/);
});

test("volumes name a host path, a path in the container and a mode", () => {
  assert.deepEqual(volumeOption("/a:/b"), [{ hostPath: "/a", containerPath: "/b", readonly: false }]);
  assert.deepEqual(volumeOption("/a:/b:ro"), [{ hostPath: "/a", containerPath: "/b", readonly: true }]);
  assert.deepEqual(volumeOption("./a:/b:rw"), [
    { hostPath: resolve("a"), containerPath: "/b", readonly: false },
  ]);
});

test("a volume that cannot be meant is refused", () => {
  for (const wrong of ["", "/a", "/a:", ":/b", "/a:b", "/a:/b:rx", "/a:/b:ro:ro"]) {
    assert.throws(() => volumeOption(wrong), /HOST-PATH/, wrong);
  }
});

test("numbers are whole and not negative", () => {
  assert.equal(secondsOption("0"), 0);
  assert.equal(countOption("100"), 100);
  for (const wrong of ["", "-1", "1.5", "1s", "ten"]) {
    assert.throws(() => secondsOption(wrong));
    assert.throws(() => countOption(wrong));
  }
});
