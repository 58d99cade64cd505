import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Registry, type RegistryOptions } from "../../fixtures/registry.ts";
import { capture } from "../../support/capture.ts";
import { putHelper } from "../../support/credential-helper.ts";
import { dist } from "../../support/node.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-login-"));
after(() => rmSync(base, { recursive: true }));

const registries: Registry[] = [];
after(() => Promise.all(registries.map((registry) => registry.close())));
async function start(auth?: NonNullable<RegistryOptions["auth"]>): Promise<Registry> {
  const registry = await Registry.start(auth === undefined ? {} : { auth });
  registries.push(registry);
  return registry;
}

let bearer: Registry;
before(async () => {
  bearer = await start({ scheme: "bearer", username: "me", password: "pass" });
});

let count = 0;
/** A person with a home of their own. */
function person() {
  const home = join(base, String(count++));
  mkdirSync(join(home, ".docker"), { recursive: true });
  const { REGISTRY_AUTH_FILE: _, DOCKER_CONFIG: __, XDG_RUNTIME_DIR: ___, ...rest } = process.env;
  const environment = {
    ...rest,
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    PATH: `${home}:${process.env.PATH}`,
  };
  const config = join(home, ".docker/config.json");
  const authFile = join(home, ".config/containers/auth.json");
  const lichen = (args: string[], input?: string) => capture(join(dist, "lichen"), args, environment, input);
  return { home, config, authFile, environment, lichen };
}

for (const scheme of ["basic", "bearer"] as const)
  test(`${scheme}: a login that the registry takes is kept, and forgotten by logout`, async () => {
    const registry = await start({ scheme, username: "me", password: "p: w" });
    const { authFile, lichen } = person();
    const login = await lichen(["login", "-u", "me", "--password-stdin", registry.host], "p: w\n");
    assert.equal(login.status, 0, login.stderr);
    assert.equal(login.stdout, `logged in to ${registry.host} as me; kept in ${authFile}\n`);
    assert.match(login.stderr, /not encrypted/);
    assert.equal(statSync(authFile).mode & 0o777, 0o600);
    const { auths } = JSON.parse(readFileSync(authFile, "utf8"));
    assert.equal(Buffer.from(auths[registry.host].auth, "base64").toString(), "me:p: w");
    const logout = await lichen(["logout", registry.host]);
    assert.equal(logout.stdout, `logged out of ${registry.host}; removed from ${authFile}\n`);
    assert.deepEqual(JSON.parse(readFileSync(authFile, "utf8")), { auths: {} });
  });

test("a login that the registry refuses is not kept", async () => {
  const { authFile, lichen } = person();
  const { status, stderr } = await lichen(["login", "-u", "me", "--password-stdin", bearer.host], "wrong");
  assert.equal(status, 1);
  assert.match(
    stderr,
    /error: log in to 127\.0\.0\.1:\d+: the registry does not take this name and password/,
  );
  assert.match(stderr, /hint: .*token/);
  assert.ok(!existsSync(authFile));
});

test("a registry that is not there, and one that is none, are told apart", async () => {
  const { lichen } = person();
  const gone = await lichen(["login", "-u", "me", "--password-stdin", "127.0.0.1:1"], "pass");
  assert.match(gone.stderr, /error: connect to 127\.0\.0\.1:1: .*ECONNREFUSED/);
  const none = await start();
  none.faults.push({ path: "/v2/", kind: "status", status: 404 });
  const other = await lichen(["login", "-u", "me", "--password-stdin", none.host], "pass");
  assert.match(other.stderr, /answered 404/);
  assert.deepEqual([gone.status, other.status], [1, 1]);
});

test("a registry that lets everybody in says nothing about the password, and the person is told", async () => {
  const open = await start();
  const { lichen } = person();
  const { status, stderr } = await lichen(["login", "-u", "me", "--password-stdin", open.host], "pass");
  assert.equal(status, 0);
  assert.match(stderr, /lets everybody in/);
});

test("the helper that config.json names keeps the secret", async () => {
  const { home, config, authFile, lichen } = person();
  const kept = putHelper(home, "ring");
  writeFileSync(config, JSON.stringify({ credHelpers: { [bearer.host]: "ring" }, other: [1] }));
  const login = await lichen(
    ["login", "-u", "me", "--password-stdin", "-o", "json", `http://${bearer.host}/v2/`],
    "pass",
  );
  assert.deepEqual(JSON.parse(login.stdout), {
    registry: bearer.host,
    username: "me",
    file: config,
    helper: "docker-credential-ring",
  });
  assert.equal(login.stderr, "");
  assert.match(readFileSync(join(kept, bearer.host), "utf8"), /"Secret":"pass"/);
  assert.doesNotMatch(readFileSync(config, "utf8"), /pass/);
  assert.ok(!existsSync(authFile));
  assert.equal((await lichen(["logout", "--all"])).status, 0);
  assert.ok(!existsSync(join(kept, bearer.host)));
  assert.deepEqual(JSON.parse(readFileSync(config, "utf8")).other, [1]);
});

test("--authfile names the file", async () => {
  const { home, lichen } = person();
  const file = join(home, "mine.json");
  await lichen(["login", "-u", "me", "--password-stdin", "--authfile", file, bearer.host], "pass");
  assert.match(readFileSync(file, "utf8"), new RegExp(bearer.host));
});

test("wrong use is told with what would be right", async () => {
  const { lichen } = person();
  for (const [args, message] of [
    [["login", bearer.host], /cannot be asked for without a terminal/],
    [["login", "-u", "me", bearer.host], /cannot be asked for without a terminal/],
    [["login", "-u", "me", "--password-stdin", "not a registry"], /this is no registry/],
    [["login", "-u", "me", "--password-stdin", bearer.host], /the password is empty/],
    [["login", "-u", "a:b", "--password-stdin", bearer.host], /colon/],
    [["logout"], /a registry or --all/],
    [["logout", "--all", bearer.host], /a registry or --all/],
    [["logout", bearer.host], /there are no credentials for it/],
  ] as const) {
    const { status, stderr } = await lichen([...args], args.some((one) => one === "a:b") ? "x" : "");
    assert.equal(status, 1, args.join(" "));
    assert.match(stderr, message);
    assert.match(stderr, /hint: /);
  }
  assert.equal((await lichen(["login"])).status, 2);
});

test("at a terminal, name and password are asked for, and the password is not shown", async (t) => {
  try {
    execFileSync("script", ["--version"], { stdio: "ignore" });
  } catch {
    return t.skip("no program `script` on this machine");
  }
  await logInAt(["Username: ", "mx\x7fe\r"], ["Password: ", "pass\r"]);
  // Both at once, pasted.
  await logInAt(["Username: ", "me\r\npass\r"]);
});

/** Logs in at a terminal at which each answer is typed when its question has been asked. */
async function logInAt(...answers: [after: string, typed: string][]): Promise<void> {
  const { authFile, environment } = person();
  const command = `${join(dist, "lichen")} login ${bearer.host}`;
  const terminal = spawn("script", ["-qec", command, "/dev/null"], { env: environment, stdio: "pipe" });
  let shown = "";
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    const [question, typed] = answers[0] ?? [];
    if (question === undefined || !shown.includes(question)) return;
    answers.shift();
    terminal.stdin.write(typed);
  });
  await once(terminal, "close");
  assert.match(shown, /logged in to/, shown);
  assert.doesNotMatch(shown.replace(/Password/g, ""), /pass\b/);
  assert.match(readFileSync(authFile, "utf8"), new RegExp(bearer.host));
}
