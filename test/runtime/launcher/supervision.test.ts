// The daemon as the launcher's ward: restarted, signalled, never outliving it.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { eventually, isAlive, LauncherUnderTest } from "../../support/launcher.ts";

const args = ["--uplink", "none"];
/** A daemon that waits, and says so, once the given traps are set. */
const waiting = (traps: string) => [
  "/bin/sh",
  "-c",
  `${traps}; echo traps are set; while :; do sleep 0.02; done`,
];

const trapsSet = (node: LauncherUnderTest) =>
  eventually("the traps", () => node.log().includes("traps are set"));

describe("a supervised daemon", () => {
  let node: LauncherUnderTest;
  const nodes: LauncherUnderTest[] = [];
  beforeEach(() => {
    node = new LauncherUnderTest();
    nodes.push(node);
  });
  after(() => Promise.all(nodes.map((one) => one.cleanUp())));

  test("is started again when it is killed, later and later when it keeps dying", async () => {
    await node.serve(["/bin/sleep", "1000"], { args });
    const first = node.daemonPid() ?? 0;
    process.kill(first, "SIGKILL");
    const second = await node.nextDaemon(first);
    process.kill(second, "SIGKILL");
    await node.nextDaemon(second);
    const delays = [...node.log().matchAll(/ended with status 137 .* again in ([\d.]+) s/g)].map(
      ([, s]) => s,
    );
    assert.deepEqual(delays, ["0.1", "0.2"]);
  });

  test("gets SIGTERM, and its exit status becomes the launcher's", async () => {
    await node.serve(waiting("trap 'exit 3' TERM"), { args });
    await trapsSet(node);
    const daemon = node.daemonPid() ?? 0;
    assert.equal(await node.end("SIGTERM"), 3);
    assert.equal(isAlive(daemon), false);
  });

  test("gets SIGINT as SIGINT", async () => {
    await node.serve(waiting("trap 'exit 4' INT"), { args });
    await trapsSet(node);
    assert.equal(await node.end("SIGINT"), 4);
  });

  test("that dies of the signal gives 128 + its number", async () => {
    await node.serve(["/bin/sleep", "1000"], { args });
    assert.equal(await node.end("SIGTERM"), 128 + 15);
  });

  test("gets SIGHUP and stays", async () => {
    await node.serve(waiting("trap 'echo heard HUP' HUP"), { args });
    await trapsSet(node);
    const daemon = node.daemonPid();
    process.kill(node.pid, "SIGHUP");
    await eventually("the trap", () => node.log().includes("heard HUP"));
    assert.equal(node.daemonPid(), daemon);
  });

  test("that cannot work as configured (status 78) is not started again", async () => {
    node.start(["/bin/sh", "-c", "echo bad key; exit 78"], { args });
    assert.equal(await node.ended(), 78);
    assert.match(node.log(), /bad key/);
  });

  test("that does not exist is reported and tried again", async () => {
    node.start(["/nonexistent/daemon"], { args });
    await eventually("the report", () => /ended with status 127/.test(node.log()));
    assert.match(node.log(), /execute "\/nonexistent\/daemon": No such file or directory \(ENOENT\)/);
    assert.equal(await node.end(), 0);
  });

  test("does not outlive a killed launcher", async () => {
    await node.serve(["/bin/sleep", "1000"], { args });
    const daemon = node.daemonPid() ?? 0;
    await node.end("SIGKILL");
    await eventually("the daemon's end", () => !isAlive(daemon));
  });
});
