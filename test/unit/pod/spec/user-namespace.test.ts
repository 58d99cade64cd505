import assert from "node:assert/strict";
import { test } from "node:test";
import { NamespaceMode, type NamespaceOption } from "#cri";
import { LichenError } from "../../../../src/errors.ts";
import type { IdMap } from "../../../../src/native/id-map.ts";
import {
  mountIdMap,
  podIdMap,
  requireNodeIds,
  requireSameIdMap,
  rootOf,
} from "../../../../src/pod/spec/user-namespace.ts";

const refused = (code: string, reason?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LichenError);
  assert.equal(error.code, code);
  if (reason) assert.match(`${error.message} ${error.hint}`, reason);
  return true;
};

const mapping = { containerId: 0, hostId: 65_536, length: 65_536 };
const options = (hostId = 65_536, mode: NamespaceMode = NamespaceMode.POD): NamespaceOption => ({
  network: NamespaceMode.POD,
  pid: NamespaceMode.POD,
  ipc: NamespaceMode.POD,
  targetId: "",
  usernsOptions: { mode, uids: [{ ...mapping, hostId }], gids: [{ ...mapping, hostId }] },
});
const map: IdMap = { uids: [[0, 65_536, 65_536]], gids: [[0, 65_536, 65_536]] };

test("a pod without options is in the node's user namespace", () => {
  assert.equal(podIdMap(null), undefined);
  assert.equal(podIdMap({ ...options(), usernsOptions: null }), undefined);
  assert.deepEqual(podIdMap(options()), map);
  assert.deepEqual(rootOf(map), { uid: 65_536, gid: 65_536 });
});

test("the node must have the ids, users and groups", () => {
  const wide = [[0, 100_000, 131_072]] as IdMap["uids"];
  requireNodeIds(map, { uids: wide, gids: wide });
  const narrow = [[0, 100_000, 131_071]] as IdMap["uids"];
  const lacking = refused("FAILED_PRECONDITION", /65536 to 131071.*--add-subuids/s);
  assert.throws(() => requireNodeIds(map, { uids: narrow, gids: wide }), lacking);
  const lackingGroups = refused("FAILED_PRECONDITION", /\/etc\/subgid.*--add-subgids/s);
  assert.throws(() => requireNodeIds(map, { uids: wide, gids: narrow }), lackingGroups);
});

test("a container's options are the pod's, or nothing", () => {
  requireSameIdMap(null, options());
  requireSameIdMap({ ...options(), usernsOptions: null }, options());
  requireSameIdMap(options(), options());
  assert.throws(() => requireSameIdMap(options(131_072), options()), refused("INVALID_ARGUMENT"));
  assert.throws(() => requireSameIdMap(options(), null), refused("INVALID_ARGUMENT"));
});

test("a mount's map is the pod's, or nothing", () => {
  const mount = (hostId: number) => ({
    containerPath: "/v",
    uidMappings: [{ ...mapping, hostId }],
    gidMappings: [{ ...mapping, hostId }],
  });
  assert.equal(mountIdMap({ containerPath: "/v", uidMappings: [], gidMappings: [] }, map), undefined);
  assert.deepEqual(mountIdMap(mount(65_536), map), map);
  assert.throws(() => mountIdMap(mount(1), map), refused("INVALID_ARGUMENT", /\/v/));
  assert.throws(() => mountIdMap(mount(65_536), undefined), refused("INVALID_ARGUMENT", /node's/));
  assert.throws(() => mountIdMap({ ...mount(65_536), gidMappings: [] }, map), refused("INVALID_ARGUMENT"));
});
