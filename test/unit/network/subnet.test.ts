import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LichenError } from "../../../src/errors.ts";
import {
  contains,
  formatAddress,
  formatSubnet,
  freeSubnet,
  overlap,
  parseAddress,
  parseSubnet,
  size,
  subnetOf,
} from "../../../src/network/subnet.ts";

const refused = (code: string) => (error: unknown) => error instanceof LichenError && error.code === code;
const subnet = parseSubnet;

test("addresses survive being read and written", () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), (address) => {
      assert.equal(parseAddress(formatAddress(address)), address);
    }),
  );
});

test("what is no address is none", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.x", "1..2.3", "-1.2.3.4", "1.2.3.4 "]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test("a subnet is an IPv4 network without host bits", () => {
  assert.equal(formatSubnet(subnet("10.210.0.0/16")), "10.210.0.0/16");
  assert.equal(size(subnet("192.168.1.0/24")), 256);
  for (const text of [
    "10.210.0.0",
    "10.210.0.1/16",
    "10.0.0.0/7",
    "10.0.0.0/30",
    "fd00::/64",
    "10.0.0.0/x",
  ]) {
    assert.throws(() => subnet(text), refused("INVALID_ARGUMENT"), text);
  }
});

test("an address with its prefix lies in its subnet", () => {
  assert.equal(formatSubnet(subnetOf("10.0.2.100", 24)!), "10.0.2.0/24");
  assert.equal(formatSubnet(subnetOf("200.1.2.3", 8)!), "200.0.0.0/8");
  assert.equal(subnetOf("::1", 64), undefined);
  assert.ok(contains(subnet("200.0.0.0/8"), parseAddress("200.255.255.255")!));
});

test("networks overlap when one holds the other", () => {
  assert.ok(overlap(subnet("10.0.0.0/8"), subnet("10.210.0.0/16")));
  assert.ok(overlap(subnet("10.210.0.0/16"), subnet("10.0.0.0/8")));
  assert.ok(!overlap(subnet("10.210.0.0/16"), subnet("10.211.0.0/16")));
  assert.ok(overlap(subnet("10.210.0.0/16"), subnetOf("10.210.9.9", 32)!));
});

test("the wanted subnet is taken when it is free, else the next one beside it", () => {
  const wanted = subnet("10.210.0.0/16");
  assert.deepEqual(freeSubnet(wanted, [subnet("10.0.2.0/24")]), wanted);
  assert.equal(formatSubnet(freeSubnet(wanted, [subnet("10.210.2.0/24")])), "10.211.0.0/16");
  const edge = subnet("10.255.0.0/16");
  assert.equal(formatSubnet(freeSubnet(edge, [edge])), "10.0.0.0/16");
  assert.throws(() => freeSubnet(wanted, [subnet("10.0.0.0/8")]), refused("FAILED_PRECONDITION"));
});

test("a free subnet never overlaps what is taken", () => {
  const network = fc
    .record({ address: fc.nat(0xffffff), prefix: fc.integer({ min: 9, max: 29 }) })
    .map(({ address, prefix }) => subnetOf(formatAddress(0x0a000000 + address), prefix)!);
  fc.assert(
    fc.property(fc.array(network, { maxLength: 8 }), (taken) => {
      try {
        const found = freeSubnet(subnet("10.210.0.0/16"), taken);
        assert.ok(taken.every((other) => !overlap(found, other)));
      } catch (error) {
        assert.ok(refused("FAILED_PRECONDITION")(error));
      }
    }),
  );
});
