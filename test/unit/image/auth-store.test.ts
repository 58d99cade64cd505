import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { findCredentials } from "../../../src/image/registry/auth-files.ts";
import { forgetLogin, keepLogin, loginPlaces } from "../../../src/image/registry/auth-store.ts";
import { putHelper } from "../../support/credential-helper.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-store-"));
after(() => rmSync(scratch, { recursive: true }));

let count = 0;
/** A home of its own, with its helpers. */
function home() {
  const base = join(scratch, String(count++));
  mkdirSync(base);
  const environment = { PATH: `${base}:${process.env.PATH}`, HOME: base, XDG_RUNTIME_DIR: join(base, "run") };
  const files = {
    runtime: join(base, "run/containers/auth.json"),
    podman: join(base, "config/containers/auth.json"),
    docker: join(base, "docker/config.json"),
  };
  const put = (file: string, content: object) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(content));
  };
  const all = Object.values(files);
  const login = (place: string, username = "user") =>
    keepLogin({ place, username, password: "p:w" }, all, { environment });
  const found = async (repository: string) => {
    const one = await findCredentials(repository, all, { environment });
    return one?.credentials.kind === "password"
      ? `${one.credentials.username}:${one.credentials.password}`
      : one;
  };
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
  return { base, environment, files, all, put, login, found, read };
}

test("a first login makes a file that outlives a reboot, for its owner only", async () => {
  const { files, login, found } = home();
  assert.deepEqual(await login("registry.example"), { file: files.podman });
  assert.equal(statSync(files.podman).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(files.podman)).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(dirname(files.podman)), ["auth.json"]);
  assert.equal(await found("registry.example/x"), "user:p:w");
});

test("the file that exists is changed; what is not ours stays, and a mode that was too open goes", async () => {
  const { files, put, login, read } = home();
  put(files.docker, {
    auths: { "a.example": { auth: "eA==", email: "e" } },
    HttpHeaders: { A: "b" },
    psFormat: "x",
  });
  assert.deepEqual(await login("b.example"), { file: files.docker });
  const auth = Buffer.from("user:p:w").toString("base64");
  assert.deepEqual(read(files.docker), {
    auths: { "a.example": { auth: "eA==", email: "e" }, "b.example": { auth } },
    HttpHeaders: { A: "b" },
    psFormat: "x",
  });
  assert.equal(statSync(files.docker).mode & 0o777, 0o600);
});

test("a second login replaces the first, under whatever name that was kept", async () => {
  const { files, put, login, read, found } = home();
  put(files.docker, { auths: { "https://registry.example/v1/": { auth: "eDp5", identitytoken: "old" } } });
  await login("registry.example", "new");
  assert.deepEqual(Object.keys(read(files.docker).auths), ["https://registry.example/v1/"]);
  assert.equal(await found("registry.example/x"), "new:p:w");
});

test("Docker Hub has its old name in docker's file, and its short one in podman's", async () => {
  const one = home();
  one.put(one.files.docker, {});
  await one.login("docker.io");
  assert.deepEqual(Object.keys(one.read(one.files.docker).auths), ["https://index.docker.io/v1/"]);
  const other = home();
  await other.login("docker.io");
  assert.deepEqual(Object.keys(other.read(other.files.podman).auths), ["docker.io"]);
  for (const { found } of [one, other]) assert.equal(await found("docker.io/library/alpine"), "user:p:w");
});

test("a link is followed, not replaced", async () => {
  const { base, files, put, login } = home();
  const real = join(base, "dotfiles.json");
  put(real, {});
  mkdirSync(dirname(files.docker), { recursive: true });
  symlinkSync(real, files.docker);
  await login("registry.example");
  assert.match(readFileSync(real, "utf8"), /registry\.example/);
});

test("with a helper the secret is in no file, and an old one there goes", async () => {
  const { base, files, put, login, read, found } = home();
  const kept = putHelper(base, "ring");
  put(files.docker, { auths: { "registry.example": { auth: "b2xkOm9sZA==" } }, credsStore: "ring" });
  assert.deepEqual(await login("registry.example"), { file: files.docker, helper: "docker-credential-ring" });
  assert.deepEqual(read(files.docker).auths, { "registry.example": {} });
  assert.deepEqual(readdirSync(kept), ["registry.example"]);
  assert.equal(await found("registry.example/x"), "user:p:w");
});

test("a helper for the host is used whichever file names it", async () => {
  const { base, files, put, login, found } = home();
  putHelper(base, "cloud");
  put(files.podman, {});
  put(files.docker, { credHelpers: { "cloud.example": "cloud" } });
  assert.deepEqual(await login("cloud.example"), { file: files.docker, helper: "docker-credential-cloud" });
  assert.deepEqual(await login("other.example"), { file: files.podman });
  assert.equal(await found("cloud.example/x"), "user:p:w");
});

test("a login for a path is kept in the file, as helpers know hosts only, and is no login for the rest", async () => {
  const { base, files, put, login, found } = home();
  putHelper(base, "ring");
  put(files.docker, { credsStore: "ring" });
  assert.deepEqual(await login("registry.example/team"), { file: files.docker });
  assert.equal(await found("registry.example/team/app"), "user:p:w");
  assert.equal(await found("registry.example/other"), undefined);
});

test("a helper that fails leaves the file as it was", async () => {
  const { base, files, put, login, read } = home();
  putHelper(base, "broken", "exit 1");
  const before = { auths: { "registry.example": { auth: "eDp5" } }, credsStore: "broken" };
  put(files.docker, before);
  await assert.rejects(login("registry.example"), { object: "docker-credential-broken" });
  assert.deepEqual(read(files.docker), before);
});

test("a malformed file is not overwritten", async () => {
  const { files, login } = home();
  mkdirSync(dirname(files.docker), { recursive: true });
  writeFileSync(files.docker, "{ not json");
  await assert.rejects(login("registry.example"), { code: "FAILED_PRECONDITION", object: files.docker });
  assert.equal(readFileSync(files.docker, "utf8"), "{ not json");
});

test("a file that cannot be written is an error, and leaves nothing half written", async () => {
  const { base, files, login } = home();
  writeFileSync(join(base, "config"), "a file where a directory must be");
  await assert.rejects(login("registry.example"), { operation: "write credentials", object: files.podman });
});

test("logging out removes it everywhere, and nothing else", async () => {
  const { base, all, environment, files, put, login, read, found } = home();
  putHelper(base, "ring");
  put(files.docker, { auths: {}, credsStore: "ring", HttpHeaders: {} });
  await login("registry.example");
  put(files.podman, { auths: { "registry.example": { auth: "eDp5" }, "other.example": { auth: "eDp5" } } });
  assert.deepEqual(loginPlaces(all), ["other.example", "registry.example"]);
  assert.deepEqual(await forgetLogin("registry.example", all, { environment }), [
    { file: files.podman },
    { file: files.docker, helper: "docker-credential-ring" },
  ]);
  assert.equal(await found("registry.example/x"), undefined);
  assert.deepEqual(read(files.docker), { auths: {}, credsStore: "ring", HttpHeaders: {} });
  assert.deepEqual(Object.keys(read(files.podman).auths), ["other.example"]);
  assert.deepEqual(await forgetLogin("registry.example", all, { environment }), []);
});
