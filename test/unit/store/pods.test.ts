import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { AddressStore } from "../../../src/store/addresses.ts";
import { decodeRecord, encodeRecord } from "../../../src/store/codec.ts";
import { ContainerStore } from "../../../src/store/containers.ts";
import { openDatabase, transaction } from "../../../src/store/database.ts";
import { PodStore } from "../../../src/store/pods.ts";
import { containerRecord, podRecord } from "../pod/records.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-store-"));
after(() => rmSync(directory, { recursive: true }));
const memory = () => openDatabase(":memory:", { durable: false });
const exists = (error: unknown) => error instanceof LichenError && error.code === "ALREADY_EXISTS";

test("a pod comes back as it went in, its time to the nanosecond", () => {
  const pods = new PodStore(memory());
  const pod = podRecord({ createdAt: 1_795_495_294_814_000_001n, ips: ["10.210.0.2"] });
  pods.insert(pod, "default/web/u/0");
  assert.deepEqual(pods.all(), [pod]);
});

test("a pod's name is taken until it is deleted, whatever its state", () => {
  const pods = new PodStore(memory());
  const first = podRecord({ id: "a" });
  pods.insert(first, "default/web/u/0");
  pods.update({ ...first, state: "notready" });
  assert.throws(() => pods.insert(podRecord({ id: "b" }), "default/web/u/0"), exists);
  pods.insert(podRecord({ id: "c" }), "default/web/u/1");
  pods.delete("a");
  pods.insert(podRecord({ id: "b" }), "default/web/u/0");
});

test("updates are kept, deletions are final and may be repeated", () => {
  const pods = new PodStore(memory());
  const pod = podRecord({ id: "a" });
  pods.insert(pod, "n");
  pods.update({ ...pod, state: "notready", reason: "its monitor died" });
  assert.equal(pods.all()[0]?.reason, "its monitor died");
  pods.delete("a");
  pods.delete("a");
  assert.deepEqual(pods.all(), []);
});

test("a container comes back with its times and, apart, its spec", () => {
  const database = memory();
  new PodStore(database).insert(podRecord({ id: "p" }), "n");
  const containers = new ContainerStore(database);
  const container = containerRecord({
    id: "c",
    sandboxId: "p",
    createdAt: 5n,
    startedAt: 6n,
    finishedAt: 7n,
  });
  containers.insert(container, "p/c/0");
  assert.equal(containers.spec("c"), undefined);
  const created = { ...container, state: "created" as const, pid: 42 };
  containers.updateWithSpec(created, '{"ociVersion":"1.2.0"}');
  assert.deepEqual(containers.all(), [created]);
  assert.equal(containers.spec("c"), '{"ociVersion":"1.2.0"}');
  assert.equal(containers.spec("unknown"), undefined);
});

test("container names are unique, and a container needs its pod", () => {
  const database = memory();
  const pods = new PodStore(database);
  pods.insert(podRecord({ id: "p" }), "n");
  const containers = new ContainerStore(database);
  containers.insert(containerRecord({ id: "c", sandboxId: "p" }), "p/c/0");
  assert.throws(() => containers.insert(containerRecord({ id: "d", sandboxId: "p" }), "p/c/0"), exists);
  assert.throws(
    () => containers.insert(containerRecord({ id: "e", sandboxId: "gone" }), "gone/c/0"),
    /FOREIGN KEY/,
  );
  assert.throws(() => pods.delete("p"), /FOREIGN KEY/, "a pod does not go before its containers");
});

test("state outlives the daemon that wrote it", () => {
  const path = join(directory, "state.db");
  const before = openDatabase(path, { durable: false });
  new PodStore(before).insert(podRecord({ id: "a" }), "n");
  new AddressStore(before).take("10.210.0.2", "a");
  before.close();
  const later = openDatabase(path, { durable: false });
  assert.deepEqual(
    new PodStore(later).all().map(({ id }) => id),
    ["a"],
  );
  assert.deepEqual(new AddressStore(later).all(), [{ address: "10.210.0.2", sandboxId: "a" }]);
  later.close();
});

test("an address has one holder", () => {
  const addresses = new AddressStore(memory());
  assert.equal(addresses.take("10.210.0.2", "a"), true);
  assert.equal(addresses.take("10.210.0.2", "b"), false);
  addresses.release("a");
  assert.equal(addresses.take("10.210.0.2", "b"), true);
});

test("a transaction that throws leaves nothing behind", () => {
  const database = memory();
  const pods = new PodStore(database);
  assert.throws(() =>
    transaction(database, () => {
      pods.insert(podRecord({ id: "a" }), "n");
      throw new Error("midway");
    }),
  );
  assert.deepEqual(pods.all(), []);
});

test("a file that is no database is refused with its path and what to do", () => {
  assert.throws(
    () => openDatabase(directory, { durable: false }),
    (error) => error instanceof LichenError && error.object === directory && error.hint !== undefined,
  );
});

test("times survive JSON where a number would not", () => {
  const record = { at: 2n ** 60n + 1n, other: "1" };
  assert.deepEqual(decodeRecord<typeof record>(encodeRecord(record), ["at"]), record);
});
