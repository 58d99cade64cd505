// `lichen-launcher check`: what `lichen doctor` shows of the machine.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { capture } from "../../support/capture.ts";
import { dist } from "../../support/node.ts";

interface Trial {
  id: string;
  ok: boolean;
  detail: string;
  hint: string;
}

const data = mkdtempSync(join(tmpdir(), "lichen-check-"));
after(() => rmSync(data, { recursive: true, force: true }));

async function check(env: NodeJS.ProcessEnv = process.env): Promise<Map<string, Trial>> {
  const done = await capture(join(dist, "bin/lichen-launcher"), ["check", "--data-dir", data], env);
  assert.equal(done.status, 0, done.stderr);
  return new Map((JSON.parse(done.stdout) as Trial[]).map((trial) => [trial.id, trial]));
}

test("every trial has an outcome, and a failed one says what to do", async () => {
  const trials = await check();
  // There is nothing to say about profiles where there is no AppArmor.
  const appArmor = existsSync("/proc/self/attr/apparmor/current") ? "apparmor " : "";
  const ids = `kernel runtime-dir linger tun ${appArmor}userns ids pod-ids newuidmap overlay nftables uplink cgroup cgroup-controllers systemd-slices`;
  assert.deepEqual([...trials.keys()], ids.split(" "));
  for (const { id, ok, detail, hint } of trials.values()) {
    assert.ok(detail, id);
    assert.equal(typeof ok, "boolean", id);
    if (ok) assert.equal(hint, "", id);
  }
  // These tests could not run without.
  for (const id of ["kernel", "userns", "overlay"])
    assert.equal(trials.get(id)?.ok, true, trials.get(id)?.detail);
});

test("trials leave nothing behind", async () => {
  await check();
  assert.deepEqual(readdirSync(data), []);
});

test("missing helpers are found missing", async () => {
  const trials = await check({ ...process.env, PATH: data });
  for (const id of ["ids", "uplink"]) {
    assert.equal(trials.get(id)?.ok, false, id);
    assert.match(trials.get(id)?.hint ?? "", /^sudo apt-get install -y /, id);
  }
  assert.equal(trials.get("userns")?.ok, true, "the user namespace itself needs no helper");
});
