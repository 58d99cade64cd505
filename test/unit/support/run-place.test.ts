import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { RunPlace } from "../../support/run-place.ts";

let place: RunPlace;
const { TMPDIR } = process.env;
beforeEach(() => {
  place = new RunPlace();
});
afterEach(() => {
  place.remove();
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
});

/** A process that has been executed: until then its command line is ours. */
async function start(env: NodeJS.ProcessEnv, cwd: string, ...command: string[]) {
  const child = spawn("sh", ["-c", `echo; exec ${command.join(" ")}`], {
    env,
    cwd,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  return { pid: child.pid ?? 0, ended: once(child, "exit"), end: () => child.kill("SIGKILL") };
}

test("a run that tidies up behind itself leaks nothing", async () => {
  assert.equal(tmpdir(), place.directory, "temporary files are made in the place");
  writeFileSync(join(place.directory, "file"), "");
  const child = await start(process.env, "/", "sleep", "0.2");
  rmSync(join(place.directory, "file"));
  assert.deepEqual(await place.leaks(), [], "what is on its way out is waited for");
  await child.ended;
});

test("directories are named with the test file that they come from, processes by any way that they lead here", async () => {
  mkdirSync(join(place.directory, "lichen-a"));
  place.ended("a.test.ts");
  mkdirSync(join(place.directory, "lichen-b"));
  place.ended("b.test.ts");
  place.ended("c.test.ts");
  const bare = { PATH: process.env.PATH };
  const children = [
    await start({ ...bare, SOMEWHERE: place.directory }, "/", "sleep", "1000"),
    await start(bare, join(place.directory, "lichen-a"), "sleep", "1000"),
    await start(bare, "/", "tail", "-f", "/dev/null", `9<${place.directory}`),
    await start(bare, "/", "sh", "-c", `'kill -STOP $$; true ${place.directory}'`),
  ];
  const other = await start(bare, "/", "sleep", "1000");
  const leaks = await place.leaks(0);
  for (const { pid } of children)
    assert.ok(
      leaks.some((leak) => leak.startsWith(`process ${pid}: `)),
      leaks.join("\n"),
    );
  assert.ok(!leaks.some((leak) => leak.startsWith(`process ${other.pid}:`)));
  for (const name of ["a", "b"])
    assert.ok(leaks.includes(`${place.directory}/lichen-${name}, first seen after ${name}.test.ts`));

  place.remove();
  await Promise.all(children.map(({ ended }) => ended));
  assert.ok(!existsSync(place.directory));
  other.end();
});

test("what is made beside the place is seen, unless somebody uses it", async (t) => {
  const beside = join(dirname(place.directory), "lichen-beside.place");
  mkdirSync(beside);
  t.after(() => rmSync(beside, { recursive: true, force: true }));
  const user = await start({ PATH: process.env.PATH, PLACE: beside }, "/", "sleep", "1000");
  assert.deepEqual(await place.leaks(), []);
  user.end();
  await user.ended;
  assert.deepEqual(await place.leaks(0), [beside]);
});
