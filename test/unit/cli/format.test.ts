import assert from "node:assert/strict";
import { test } from "node:test";
import { ContainerState, PodSandboxState } from "#cri";
import { age, bytes, cpuTime, shortId, stateName } from "../../../src/cli/format.ts";

test("bytes have three significant digits and the unit people know", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1 kB"],
    [1234, "1.23 kB"],
    [999_600, "1 MB"],
    [4_210_000, "4.21 MB"],
    [12_345_678_901, "12.3 GB"],
    [5e15, "5000 TB"],
  ];
  for (const [count, text] of cases) assert.equal(bytes(count), text);
});

test("ages are told in their largest unit", () => {
  const now = 1_800_000_000e9;
  const cases: [number, string][] = [
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [3599, "59 min"],
    [3600, "1 h"],
    [172_799, "47 h"],
    [172_800, "2 d"],
  ];
  for (const [seconds, text] of cases) assert.equal(age(now - seconds * 1e9, now), text);
  assert.equal(age(0, now), "-", "a time of 0 is a time that never was");
  assert.equal(age(now + 5e9, now), "0 s", "clocks may differ a little");
});

test("CPU time is milliseconds below a second", () => {
  assert.equal(cpuTime(1_600_000), "2 ms");
  assert.equal(cpuTime(1.5e9), "1.50 s");
});

test("ids are shortened without their algorithm", () => {
  assert.equal(shortId(`sha256:${"ab".repeat(32)}`), "abababababab");
  assert.equal(shortId("short"), "short");
});

test("states lose their prefix; unknown ones show their number", () => {
  assert.equal(stateName(ContainerState, ContainerState.CONTAINER_EXITED), "exited");
  assert.equal(stateName(PodSandboxState, PodSandboxState.SANDBOX_NOTREADY), "notready");
  assert.equal(stateName(ContainerState, 17), "17");
});
