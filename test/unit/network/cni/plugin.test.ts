import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LichenError } from "../../../../src/errors.ts";
import { callPlugin, findPlugin } from "../../../../src/network/cni/plugin.ts";
import { PluginFolder } from "./plugins.ts";

const folder = new PluginFolder();
after(() => folder.remove());

const pod = { containerId: "pod1", netns: "/proc/7/ns/net", ifname: "eth0", args: "A=1;B=2" };
const call = (type: string, more = {}) =>
  callPlugin(type, { name: "net" }, { command: "ADD", ...pod }, folder.host(more));

async function failure(attempt: Promise<unknown>): Promise<LichenError> {
  const error = await attempt.then(
    () => assert.fail("it succeeded"),
    (caught) => caught,
  );
  assert.ok(error instanceof LichenError, String(error));
  return error;
}

describe("one call of a plugin", () => {
  test("it gets the parameters in its environment and the configuration on standard input", async () => {
    folder.add("noting", `echo '{"ok":1}'; env >"${folder.directory}/env"`);
    assert.deepEqual(await call("noting", { environment: { EXTRA: "yes" } }), { ok: 1 });
    assert.deepEqual(folder.calls.at(-1), {
      type: "noting",
      command: "ADD",
      ...pod,
      config: { name: "net" },
    });
    const environment = readFileSync(join(folder.directory, "env"), "utf8").split("\n");
    assert.ok(environment.includes("EXTRA=yes"));
    assert.ok(environment.some((line) => line.startsWith("CNI_PATH=") && line.endsWith(folder.bin)));
    assert.ok(environment.some((line) => line.startsWith("PATH=") && line.includes("/usr/sbin")));
    // Nothing else of the daemon's own environment.
    assert.ok(!environment.some((line) => line.startsWith("HOME=")));
  });

  test("nothing printed is no result", async () => {
    folder.add("silent", "");
    assert.equal(await call("silent"), undefined);
  });

  test("one that is not there is named, with where it was looked for", async () => {
    const error = await failure(call("absent"));
    assert.equal(error.code, "FAILED_PRECONDITION");
    assert.match(error.message, new RegExp(`absent.*${folder.bin}`));
    assert.throws(() => findPlugin("absent", []), /no executable/);
  });

  test("its own error object is passed on, with what it wrote to standard error", async () => {
    const told = { cniVersion: "1.0.0", code: 7, msg: "no range left", details: "10.1.0.0/30" };
    folder.add("failing", `echo 'iptables: busy' >&2; echo '${JSON.stringify(told)}'; exit 1`);
    const error = await failure(call("failing"));
    assert.equal(error.code, "FAILED_PRECONDITION");
    assert.match(
      error.message,
      /CNI ADD by failing for pod sandbox pod1: no range left: 10\.1\.0\.0\/30 \(code 7\)/,
    );
    assert.match(error.message, /iptables: busy/);
  });

  test("one that asks to try later is UNAVAILABLE", async () => {
    folder.add("later", `echo '{"code":11,"msg":"wait"}'; exit 1`);
    assert.equal((await failure(call("later"))).code, "UNAVAILABLE");
  });

  test("exit 1 without a word, and death by a signal", async () => {
    folder.add("mute", "exit 3");
    assert.match((await failure(call("mute"))).message, /it ended with 3/);
    folder.add("shot", "kill -TERM $$");
    assert.match((await failure(call("shot"))).message, /it ended with SIGTERM/);
  });

  test("rubbish instead of a result is shown", async () => {
    folder.add("rubbish", "echo hello");
    const error = await failure(call("rubbish"));
    assert.equal(error.code, "INTERNAL");
    assert.match(error.message, /no JSON: "hello/);
  });

  test("one that hangs is killed with its children, and says so", async () => {
    folder.add("hanging", `sleep 600 & echo $! >"${folder.directory}/child"; echo waiting >&2; wait`);
    const began = Date.now();
    const error = await failure(call("hanging", { timeoutMs: 700 }));
    assert.ok(Date.now() - began < 8000);
    assert.equal(error.code, "DEADLINE_EXCEEDED");
    assert.match(error.message, /after 0\.7 s and was killed.*waiting/);
    const child = readFileSync(join(folder.directory, "child"), "utf8").trim();
    for (let tries = 0; existsSync(`/proc/${child}`) && tries < 100; tries++) {
      // A zombie that its new parent has not collected yet is dead all the same.
      if (readFileSync(`/proc/${child}/stat`, "utf8").includes(") Z ")) break;
      await sleep(20);
    }
    assert.ok(!existsSync(`/proc/${child}`) || readFileSync(`/proc/${child}/stat`, "utf8").includes(") Z "));
  });

  test("one that prints for ever is stopped", async () => {
    folder.add("endless", "yes");
    assert.match((await failure(call("endless"))).message, /it ended with SIGKILL/);
  });

  test("one that does not read its input does no harm", async () => {
    folder.add("deaf", "exec true");
    const config = { name: "net", text: "x".repeat(1 << 20) };
    assert.equal(await callPlugin("deaf", config, { command: "ADD", ...pod }, folder.host()), undefined);
  });
});
