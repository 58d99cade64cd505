import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CredentialHelper, type HelperOptions } from "../../../src/image/registry/credential-helper.ts";
import { putHelper } from "../../support/credential-helper.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-helper-"));
after(() => rmSync(scratch, { recursive: true }));
const environment = { PATH: `${scratch}:${process.env.PATH}`, MARK: "passed on" };

const helper = (name: string, options: Partial<HelperOptions> = {}) =>
  new CredentialHelper(name, { environment, ...options });

/** A helper with this script. */
function scripted(name: string, script: string, options: Partial<HelperOptions> = {}): CredentialHelper {
  putHelper(scratch, name, script);
  return helper(name, options);
}

test("what is stored is got, until it is erased; nothing is no error", async () => {
  putHelper(scratch, "honest");
  const one = helper("honest");
  assert.equal(one.program, "docker-credential-honest");
  assert.equal(await one.get("registry.example"), undefined);
  await one.store("registry.example", "user", 'pass"word');
  assert.deepEqual(await one.get("registry.example"), {
    kind: "password",
    username: "user",
    password: 'pass"word',
  });
  await one.erase("registry.example");
  await one.erase("registry.example");
  assert.equal(await one.get("registry.example"), undefined);
});

test("a name <token> means an identity token; an empty answer nothing", async () => {
  const token = scripted("token", `echo '{"Username":"<token>","Secret":"t"}'`);
  assert.deepEqual(await token.get("x"), { kind: "identity", token: "t" });
  const empty = scripted("empty", `echo '{"ServerURL":"","Username":"","Secret":""}'`);
  assert.equal(await empty.get("x"), undefined);
});

test("a missing helper is named, with what to do", async () => {
  for (const PATH of [scratch, "", "relative", undefined])
    await assert.rejects(helper("missing", { environment: { PATH } }).get("x"), {
      code: "FAILED_PRECONDITION",
      object: "docker-credential-missing",
      reason: /no such program in PATH/,
      hint: /install it, or take it out of credsStore/,
    });
  await assert.rejects(helper("../../bin/sh").get("x"), { reason: /no name of a credential helper/ });
});

test("a helper that fails is told with its own words", async () => {
  const failing = scripted("failing", "echo the key ring is locked >&2; exit 3");
  const told = { code: "FAILED_PRECONDITION", object: "docker-credential-failing" };
  await assert.rejects(failing.get("x"), { ...told, reason: /status 3: the key ring is locked/ });
  await assert.rejects(failing.store("x", "u", "s"), { ...told, reason: /store ended with status 3/ });
  await assert.rejects(failing.erase("x"), { ...told, reason: /erase ended with status 3/ });
  await assert.rejects(scripted("silent", "exit 1").get("x"), { reason: /it said nothing/ });
  await assert.rejects(scripted("killed", "kill -9 $$").get("x"), { reason: /ended by SIGKILL/ });
  await assert.rejects(scripted("chatty", "yes").get("x"), { reason: /writes more than/ });
});

test("an answer that is none is refused, and not shown", async () => {
  for (const [answer, reason] of [
    ["secret", /no JSON object/],
    ['"secret"', /no JSON object/],
    ['{"Username":"secret"}', /lacks Username or Secret/],
    ["", /no JSON object/],
  ] as const)
    await assert.rejects(scripted("odd", `echo '${answer}'`).get("x"), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /secret"/);
      return true;
    });
});

test("one that does not end is ended, with all that it started", async () => {
  const mark = join(scratch, "children");
  const script = `sleep 1000 & echo $! >${mark}; sleep 1000`;
  const slow = scripted("slow", script, { timeoutMs: 300 });
  await assert.rejects(slow.get("x"), { code: "DEADLINE_EXCEEDED", reason: /within 0\.3 s/ });
  const pid = Number(readFileSync(mark, "utf8"));
  const alive = () => {
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : ") Z";
    return !/\) [ZX]/.test(stat);
  };
  for (let i = 0; i < 200 && alive(); i++) await sleep(10);
  assert.ok(!alive(), "its child is left");
});

test("a pull that is given up ends the helper", async () => {
  const controller = new AbortController();
  const asking = scripted("patient", "sleep 1000", { signal: controller.signal }).get("x");
  controller.abort(new Error("given up"));
  await assert.rejects(asking, /given up/);
});

test("it gets the environment and the server, and none of the files that we have open", async (t) => {
  const ours = join(scratch, "ours");
  const open = openSync(ours, "w");
  t.after(() => closeSync(open));
  const script = `
    read -r server || true
    if ls -l /proc/self/fd | grep -q ${ours}; then files=ours; else files=clean; fi
    echo "{\\"Username\\":\\"$MARK $server\\",\\"Secret\\":\\"$files\\"}"`;
  assert.deepEqual(await scripted("curious", script).get("registry.example"), {
    kind: "password",
    username: "passed on registry.example",
    password: "clean",
  });
});

test("where no namespace further in is to be had, a helper runs without", async () => {
  const folder = join(scratch, "refusing");
  mkdirSync(folder);
  const refusal = "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2; exit 1\n";
  writeFileSync(join(folder, "unshare"), refusal, { mode: 0o755 });
  const options = {
    environment: { PATH: `${folder}:${environment.PATH}` },
    user: { uid: 1000, gid: 1000 },
  };
  const kept = scripted("kept", `echo '{"Username":"u","Secret":"s"}'`, options);
  assert.deepEqual(await kept.get("x"), { kind: "password", username: "u", password: "s" });
  await assert.rejects(scripted("failing2", "echo 'locked' >&2; exit 3", options).get("x"), {
    reason: /status 3: locked/,
  });
});

test("a helper that reads nothing is no failure", async () => {
  const deaf = scripted("deaf", `exec <&-; echo '{"Username":"u","Secret":"s"}'`);
  assert.equal((await deaf.get("x".repeat(100_000)))?.kind, "password");
});
