import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseProcessStat, statField, ticksPerSecond } from "../../src/process-stat.ts";

test("a command's name may look like fields", () => {
  const stat = parseProcessStat(
    "7 (a) S 1 (b) (c)) Z 1 7 7 0 -1 4194560 12 0 3 0 5 6 7 8 20 0 9 0 4242 1000 77 18446744073709551615\n",
  );
  assert.equal(stat(statField.state), "Z");
  assert.equal(stat(statField.minorFaults), "12");
  assert.equal(stat(statField.majorFaults), "3");
  const times = [
    statField.userTicks,
    statField.systemTicks,
    statField.childrenUserTicks,
    statField.childrenSystemTicks,
  ];
  assert.deepEqual(times.map(stat), ["5", "6", "7", "8"]);
  assert.equal(stat(statField.threads), "9");
  assert.equal(stat(statField.startTime), "4242");
  assert.equal(stat(statField.residentPages), "77");
});

test("what is not told is 0", () => {
  assert.equal(parseProcessStat("7 (short) R 1")(statField.startTime), "0");
});

test("this process's own", () => {
  const stat = parseProcessStat(readFileSync("/proc/self/stat", "utf8"));
  const [up = 0] = readFileSync("/proc/uptime", "utf8").split(" ").map(Number);
  const age = up - Number(stat(statField.startTime)) / ticksPerSecond;
  assert.ok(Math.abs(age - process.uptime()) < 2, `${age} s and ${process.uptime()} s`);
  assert.ok(Number(stat(statField.threads)) > 1);
});
