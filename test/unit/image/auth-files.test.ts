import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { LichenError } from "../../../src/errors.ts";
import { authFilesOf, findCredentials, normalKey } from "../../../src/image/registry/auth-files.ts";
import { putHelper } from "../../support/credential-helper.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-auth-"));
after(() => rmSync(scratch, { recursive: true }));
const environment = { PATH: `${scratch}:${process.env.PATH}`, HOME: scratch };

let count = 0;
function file(content: object | string): string {
  const path = join(scratch, `${count++}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const auth = (name: string, password = "p") => ({
  auth: Buffer.from(`${name}:${password}`).toString("base64"),
});
async function userFor(repository: string, ...files: string[]): Promise<string | undefined> {
  const found = await findCredentials(repository, files, { environment });
  return found?.credentials.kind === "password" ? found.credentials.username : found?.credentials.kind;
}

function assertRefused(error: unknown, path: string): void {
  assert.ok(error instanceof LichenError);
  assert.deepEqual([error.code, error.object], ["FAILED_PRECONDITION", path]);
}

test("the files of podman and docker, in podman's order", () => {
  assert.deepEqual(authFilesOf({ HOME: "/home/u" }), [
    "/home/u/.config/containers/auth.json",
    "/home/u/.docker/config.json",
  ]);
  const all = { HOME: "/h", XDG_RUNTIME_DIR: "/run/u", XDG_CONFIG_HOME: "/c", DOCKER_CONFIG: "/d" };
  assert.deepEqual(authFilesOf(all), [
    "/run/u/containers/auth.json",
    "/c/containers/auth.json",
    "/d/config.json",
  ]);
  assert.deepEqual(authFilesOf({ ...all, REGISTRY_AUTH_FILE: "/only.json" }), ["/only.json"]);
});

test("the entry of the longest path wins, then the host's; another host's never does", async () => {
  const path = file({
    auths: {
      "registry.example": auth("host"),
      "registry.example/team": auth("team"),
      "registry.example/team/app": auth("app"),
      "other.example:5000": auth("other"),
    },
  });
  assert.equal(await userFor("registry.example/team/app", path), "app");
  assert.equal(await userFor("registry.example/team/app/sub", path), "app");
  assert.equal(await userFor("registry.example/team/apple", path), "team");
  assert.equal(await userFor("registry.example/teams", path), "host");
  assert.equal(await userFor("other.example:5000/x", path), "other");
  assert.equal(await userFor("other.example/x", path), undefined);
  assert.equal(await userFor("xregistry.example/x", path), undefined);
});

test("all names of Docker Hub are one", async () => {
  for (const key of [
    "https://index.docker.io/v1/",
    "index.docker.io",
    "docker.io",
    "registry-1.docker.io",
    "https://docker.io",
  ])
    assert.equal(
      await userFor("docker.io/library/alpine", file({ auths: { [key]: auth("hub") } })),
      "hub",
      key,
    );
  assert.equal(normalKey("https://registry.example/v2/"), "registry.example");
  assert.equal(normalKey("registry.example/v1"), "registry.example");
  assert.equal(normalKey("registry.example:5000/team/"), "registry.example:5000/team");
  assert.equal(normalKey("docker.io/team"), "docker.io/team");
});

test("every form of an entry is read; empty ones are passed over", async () => {
  const kinds = file({
    auths: {
      "a.example": { username: "plain", password: "p" },
      "b.example": { ...auth("x"), identitytoken: "t" },
      "c.example": { registrytoken: "t" },
      "d.example": {},
      "e.example": { auth: "", email: "me@example.com" },
    },
    HttpHeaders: { "User-Agent": "x" },
  });
  const fallback = file({ auths: { "d.example": auth("second"), "e.example": auth("second") } });
  const users = await Promise.all(
    ["a", "b", "c", "d", "e"].map((host) => userFor(`${host}.example/x`, kinds, fallback)),
  );
  assert.deepEqual(users, ["plain", "identity", "bearer", "second", "second"]);
});

test("the first file that has something wins; missing and empty ones are no error", async () => {
  const first = file({ auths: { "a.example": auth("first") } });
  const second = file({ auths: { "a.example": auth("second"), "b.example": auth("second") } });
  const files = [join(scratch, "missing"), join(first, "below-a-file"), file(""), first, second];
  assert.equal(await userFor("a.example/x", ...files), "first");
  assert.equal(await userFor("b.example/x", ...files), "second");
  assert.equal(await userFor("c.example/x", ...files), undefined);
});

test("a file that is no such file is refused by name, without quoting it", async () => {
  for (const [content, reason] of [
    ['{"auths": {"a": "secret', /no JSON/],
    [{ auths: [] }, /auths/],
    [{ auths: { "a.example": { auth: "c2VjcmV0" } } }, /auths\."a\.example"/],
    [{ credsStore: 1 }, /credsStore/],
  ] as const) {
    const path = file(content);
    await assert.rejects(findCredentials("a.example/x", [path], { environment }), (error: Error) => {
      assertRefused(error, path);
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

test("a file that may not be read is an error, not a missing one", async (t) => {
  if (process.getuid?.() === 0) return t.skip("root may read every file");
  const path = file({});
  chmodSync(path, 0);
  await assert.rejects(findCredentials("a.example/x", [path], { environment }), { object: path });
});

test("a helper for a host comes before entries, the store for all hosts after them", async () => {
  const kept = putHelper(scratch, "own");
  putHelper(scratch, "store", 'echo \'{"Username":"from-store","Secret":"s"}\'');
  writeFileSync(join(kept, "a.example"), '{"ServerURL":"a.example","Username":"from-own","Secret":"s"}');
  writeFileSync(join(kept, "https:__index.docker.io_v1_"), '{"Username":"<token>","Secret":"s"}');
  const path = file({
    auths: { "a.example": auth("entry"), "b.example": auth("entry"), "c.example": {} },
    credHelpers: { "a.example": "own", "https://index.docker.io/v1/": "own", "d.example": "own" },
    credsStore: "store",
  });
  assert.equal(await userFor("a.example/x", path), "from-own");
  assert.equal(await userFor("b.example/x", path), "entry");
  assert.equal(await userFor("c.example/x", path), "from-store");
  assert.equal(await userFor("docker.io/library/x", path), "identity");
  // A helper that knows nothing is asked no further in this file.
  assert.equal(await userFor("d.example/x", path), undefined);
  assert.equal(await userFor("d.example/x", path, file({ auths: { "d.example": auth("next") } })), "next");
});

test("no file makes the search throw anything but a refusal", async () => {
  const entry = fc.record(
    { auth: fc.base64String(), identitytoken: fc.string(), username: fc.string() },
    { requiredKeys: [] },
  );
  const key = fc.oneof(fc.string(), fc.constantFrom("a.example", "https://a.example/v1/", "a.example/x/"));
  const path = join(scratch, "any.json");
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.json(), fc.record({ auths: fc.dictionary(key, entry) })),
      async (content) => {
        writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
        try {
          await findCredentials("a.example/x/y", [path], { environment: {} });
        } catch (error) {
          assertRefused(error, path);
        }
      },
    ),
  );
});
