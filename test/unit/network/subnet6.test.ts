import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet } from "../../../src/network/subnet.ts";
import { beside, formatSubnet6, parseSubnet6, randomSubnet6 } from "../../../src/network/subnet6.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { SettingStore } from "../../../src/store/settings.ts";

test("networks are read and written in one form", () => {
  for (const [text, same] of [
    ["fd00:1:2:3::/64", "fd00:1:2:3::/64"],
    ["FD00:0001:2:0::/64", "fd00:1:2::/64"],
    ["fd00::/64", "fd00::/64"],
    ["fd00:0:0:3:0:0:0:0/64", "fd00:0:0:3::/64"],
  ] as const) {
    const subnet = parseSubnet6(text);
    assert.ok(subnet, text);
    assert.equal(formatSubnet6(subnet), same);
  }
  for (const text of [
    "fd00::1/64",
    "fd00::/48",
    "fd00::",
    "10.0.0.0/64",
    "fd00::%eth0/64",
    "x/64",
    "::1/64/64",
  ])
    assert.equal(parseSubnet6(text), undefined, text);
});

test("random networks are unique local ones, each another, and survive being written", () => {
  const all = Array.from({ length: 200 }, () => formatSubnet6(randomSubnet6()));
  assert.equal(new Set(all).size, 200);
  for (const text of all) {
    assert.match(text, /^fd[0-9a-f]{2}:/);
    assert.equal(formatSubnet6(parseSubnet6(text)!), text);
  }
});

test("an address has the same number in both families", () => {
  const subnet = parseSubnet("10.210.0.0/16");
  const subnet6 = parseSubnet6("fd00:1:2:3::/64")!;
  assert.equal(beside(subnet6, subnet, "10.210.0.1"), "fd00:1:2:3::1");
  assert.equal(beside(subnet6, subnet, "10.210.255.254"), "fd00:1:2:3::fffe");
  assert.equal(beside(subnet6, parseSubnet("10.0.0.0/8"), "10.1.2.3"), "fd00:1:2:3::1:203");
});

test("a setting is chosen once and kept", () => {
  const database = openDatabase(":memory:", { durable: false });
  assert.equal(
    new SettingStore(database).keep("subnet6", () => "first"),
    "first",
  );
  assert.equal(
    new SettingStore(database).keep("subnet6", () => "second"),
    "first",
  );
  assert.equal(
    new SettingStore(database).keep("other", () => "third"),
    "third",
  );
});
