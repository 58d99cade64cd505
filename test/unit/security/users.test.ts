import assert from "node:assert/strict";
import { test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { resolveUser, type UserDatabase, type UserRequest } from "../../../src/security/users.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\nbroken line\n7:x:2000:2000::/:\n";
const group = "root:x:0:\napps:x:1001:\nlogs:x:50000:app,other\nextra:x:50001: app\nbad:x:many:app\n";
const files: UserDatabase = { passwd: () => passwd, group: () => group };
const none: UserDatabase = { passwd: () => undefined, group: () => undefined };

const resolve = (fields: Partial<UserRequest>, database = files) =>
  resolveUser(
    {
      runAsUser: undefined,
      runAsUsername: "",
      runAsGroup: undefined,
      supplementalGroups: [],
      strict: false,
      imageUser: "",
      ...fields,
    },
    database,
  );
const refused = (code: string) => (error: unknown) => error instanceof LichenError && error.code === code;

test("nothing asked for is root", () => {
  assert.deepEqual(resolve({}), { uid: 0, gid: 0, additionalGids: [0] });
  assert.deepEqual(resolve({}, none), { uid: 0, gid: 0, additionalGids: [0] });
});

test("a name brings its group and the groups it is a member of", () => {
  const expected = { uid: 1000, gid: 1001, additionalGids: [1001, 50000, 50001] };
  assert.deepEqual(resolve({ runAsUsername: "app" }), expected);
  assert.deepEqual(resolve({ imageUser: "app" }), expected);
});

test("a uid that the image knows counts as its name", () => {
  assert.deepEqual(resolve({ runAsUser: 1000 }), {
    uid: 1000,
    gid: 1001,
    additionalGids: [1001, 50000, 50001],
  });
});

test("a uid that it does not know runs in group 0", () => {
  assert.deepEqual(resolve({ runAsUser: 4242 }), { uid: 4242, gid: 0, additionalGids: [0] });
});

test("digits are an id, even where the image has a user or group of that name", () => {
  const rootIn = (text: string): UserDatabase => ({ passwd: () => text, group: () => "7:x:0:\n" });
  const sly = rootIn("7:x:0:0::/:\nseven:x:7:70::/:\n");
  for (const request of [{ runAsUser: 7 }, { runAsUsername: "7" }, { imageUser: "7" }])
    assert.deepEqual(resolve(request, sly), { uid: 7, gid: 70, additionalGids: [70] });
  assert.equal(resolve({ imageUser: "7:7" }, sly).gid, 7);
  assert.equal(resolve({ runAsUser: 7, runAsGroup: 7 }, sly).gid, 7);
  assert.deepEqual(resolve({ imageUser: "7" }, rootIn("7:x:0:0::/:\n")), {
    uid: 7,
    gid: 0,
    additionalGids: [0],
  });
});

test("the request goes before the image", () => {
  assert.equal(resolve({ runAsUser: 0, imageUser: "app" }).uid, 0);
});

test("the image may name a group, by name or id", () => {
  assert.equal(resolve({ imageUser: "app:logs" }).gid, 50000);
  assert.equal(resolve({ imageUser: "app:12" }).gid, 12);
  assert.equal(resolve({ imageUser: "0:apps" }).gid, 1001);
});

test("run_as_group takes the place of the user's own group, and is among the supplementary ones", () => {
  const user = resolve({ runAsUser: 1000, runAsGroup: 77 });
  assert.equal(user.gid, 77);
  assert.ok(user.additionalGids.includes(77));
});

test("a group without a user is refused, even when the image names a user", () => {
  assert.throws(() => resolve({ runAsGroup: 5 }), refused("INVALID_ARGUMENT"));
  assert.throws(() => resolve({ runAsGroup: 5, imageUser: "app" }), refused("INVALID_ARGUMENT"));
});

test("strict leaves the image's groups out and keeps what is asked for", () => {
  const user = resolve({ runAsUser: 1000, strict: true, supplementalGroups: [1234] });
  assert.deepEqual(user.additionalGids, [1001, 1234]);
});

test("groups are not repeated", () => {
  assert.deepEqual(resolve({ supplementalGroups: [0, 9, 9] }).additionalGids, [0, 9]);
});

test("unknown names and impossible ids are refused", () => {
  assert.throws(() => resolve({ runAsUsername: "ghost" }), refused("INVALID_ARGUMENT"));
  assert.throws(() => resolve({ imageUser: "app:ghosts" }), refused("INVALID_ARGUMENT"));
  assert.throws(() => resolve({ imageUser: "app" }, none), refused("INVALID_ARGUMENT"));
  for (const runAsUser of [-1, 1.5, 2 ** 32 - 1]) {
    assert.throws(() => resolve({ runAsUser }), refused("INVALID_ARGUMENT"), String(runAsUser));
  }
  assert.throws(() => resolve({ supplementalGroups: [-5] }), refused("INVALID_ARGUMENT"));
});
