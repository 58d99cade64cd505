import assert from "node:assert/strict";
import { test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { AddressPool } from "../../../src/network/addresses.ts";
import { parseSubnet } from "../../../src/network/subnet.ts";
import { AddressStore } from "../../../src/store/addresses.ts";
import { openDatabase } from "../../../src/store/database.ts";

const store = () => new AddressStore(openDatabase(":memory:", { durable: false }));

test("pods get every address but network, gateway and broadcast", () => {
  const pool = new AddressPool(parseSubnet("10.9.0.0/29"), store());
  assert.equal(pool.gateway, "10.9.0.1");
  const taken = Array.from({ length: 5 }, (_, index) => pool.take(`pod${index}`));
  assert.deepEqual(taken, ["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"]);
  assert.throws(
    () => pool.take("one too many"),
    (error) => error instanceof LichenError && error.code === "RESOURCE_EXHAUSTED",
  );
});

test("an address given back is used again last", () => {
  const pool = new AddressPool(parseSubnet("10.9.0.0/29"), store());
  pool.take("a");
  pool.release("a");
  assert.equal(pool.take("b"), "10.9.0.3");
  for (const pod of ["c", "d", "e"]) pool.take(pod);
  assert.equal(pool.take("f"), "10.9.0.2");
});

test("an address rests for a minute after it was given back, while there is another", () => {
  let now = 0;
  const pool = new AddressPool(parseSubnet("10.9.0.0/29"), store(), () => now);
  for (const pod of ["a", "b", "c"]) pool.take(pod);
  pool.release("b");
  now = 10_000;
  pool.release("a");
  assert.deepEqual([pool.take("d"), pool.take("e")], ["10.9.0.5", "10.9.0.6"]);
  // Nothing else is left: the one that has rested longest.
  assert.equal(pool.take("f"), "10.9.0.3");
  now = 80_000;
  assert.equal(pool.take("g"), "10.9.0.2");
});

test("a later daemon knows what is taken and goes on behind it", () => {
  const addresses = store();
  const before = new AddressPool(parseSubnet("10.9.0.0/24"), addresses);
  before.take("a");
  before.take("b");
  const later = new AddressPool(parseSubnet("10.9.0.0/24"), addresses);
  assert.equal(later.take("c"), "10.9.0.4");
});

test("addresses of another subnet do not matter", () => {
  const addresses = store();
  addresses.take("10.210.200.200", "old");
  assert.equal(new AddressPool(parseSubnet("10.9.0.0/24"), addresses).take("a"), "10.9.0.2");
});

test("releasing twice, or nothing, is fine", () => {
  const pool = new AddressPool(parseSubnet("10.9.0.0/29"), store());
  pool.release("nobody");
  pool.take("a");
  pool.release("a");
  pool.release("a");
});

test("what pods that live no more held is given back", () => {
  const addresses = store();
  const pool = new AddressPool(parseSubnet("10.9.0.0/29"), addresses);
  for (const pod of ["a", "b", "c"]) pool.take(pod);
  pool.keepOnly(["b"]);
  assert.deepEqual(
    addresses.all().map(({ sandboxId }) => sandboxId),
    ["b"],
  );
});
