import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { liveProcesses, notOurs } from "../../../src/cli/leftovers.ts";
import { parseProcessStat, statField } from "../../../src/process-stat.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-leftovers-"));
after(() => rmSync(base, { recursive: true }));

const directory = () => mkdtempSync(join(base, "run-"));

/** What the file of a process holds: its number, and when it was started. */
function identity(pid: number): string {
  return `${pid} ${parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"))(statField.startTime)}`;
}

test("processes live that are the ones that their files mean", () => {
  const runtime = directory();
  for (const pod of ["one", "two", "three", "four"])
    mkdirSync(join(runtime, "pods", pod), { recursive: true });
  const own = identity(process.pid);
  writeFileSync(join(runtime, "launcher.pid"), `${own}\n`);
  writeFileSync(join(runtime, "daemon.pid"), "");
  writeFileSync(join(runtime, "pods/one/monitor.pid"), own);
  // The number went to another process meanwhile; a torn file; no number at all. The fourth pod has no file.
  writeFileSync(join(runtime, "pods/two/monitor.pid"), `${own}1`);
  writeFileSync(join(runtime, "pods/three/monitor.pid"), String(process.pid));
  assert.deepEqual(liveProcesses(runtime), [
    { pid: process.pid, what: "launcher" },
    { pid: process.pid, what: "monitor" },
  ]);
  writeFileSync(join(runtime, "launcher.pid"), "self 1");
  writeFileSync(join(runtime, "pods/one/monitor.pid"), "../../etc 1");
  assert.deepEqual(liveProcesses(runtime), []);
  assert.deepEqual(liveProcesses(join(runtime, "none")), []);
});

test("a process that has ended and that nobody has waited for does not live", async () => {
  const runtime = directory();
  // The shell's child becomes a zombie: the shell has become a sleep that does not wait.
  const parent = spawn("sh", ["-c", "sh -c 'echo $$; read line' & exec sleep 60"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    const [line] = await once(parent.stdout, "data");
    const pid = Number(String(line).trim());
    writeFileSync(join(runtime, "daemon.pid"), identity(pid));
    parent.stdin.end();
    const state = () => parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"))(statField.state);
    while (state() !== "Z") await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(liveProcesses(runtime), []);
  } finally {
    parent.kill();
    await once(parent, "exit");
  }
});

test("only what is empty or has a state database is taken for a data directory", () => {
  const data = directory();
  assert.equal(notOurs(join(data, "none")), undefined);
  assert.equal(notOurs(data), undefined);
  writeFileSync(join(data, "thesis.tex"), "");
  assert.match(notOurs(data) ?? "", /no state\.db/);
  writeFileSync(join(data, "state.db"), "");
  assert.equal(notOurs(data), undefined);
});
