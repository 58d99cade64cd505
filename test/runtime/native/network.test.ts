import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nativeCode } from "../../../src/native/failure.ts";
import {
  ensureBridge,
  links,
  masquerade,
  removeLink,
  removeTable,
  setForwarding,
} from "../../../src/native/network.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";

if (inNamespaces()) {
  const bridge = { name: "lichen0", addresses: ["10.210.0.1/16", "fd00:210::1/64"], mtu: 65520 };
  const find = async (name: string) => (await links()).find((link) => link.name === name);

  test("a fresh namespace has loopback alone, and it is down", async () => {
    const [lo, ...others] = await links();
    assert.deepEqual(others, []);
    assert.equal(lo?.name, "lo");
    assert.equal(lo?.up, false);
  });

  test("a bridge is made once, and brought to what is asked for after that", async () => {
    await ensureBridge(bridge);
    await ensureBridge(bridge);
    const made = await find("lichen0");
    assert.equal(made?.kind, "bridge");
    assert.equal(made?.up, true);
    assert.equal(made?.mtu, 65520);
    assert.match(made?.mac ?? "", /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    for (const address of bridge.addresses) assert.ok(made?.addresses.includes(address), address);
    await ensureBridge({ ...bridge, mtu: 1500, addresses: ["10.211.0.1/16"] });
    const changed = await find("lichen0");
    assert.equal(changed?.mtu, 1500);
    assert.ok(changed?.addresses.includes("10.211.0.1/16"));
    assert.ok(changed?.addresses.includes("10.210.0.1/16"));
  });

  test("what cannot be is refused by name", async () => {
    await assert.rejects(ensureBridge({ ...bridge, addresses: ["10.210.0.1/33"] }), {
      code: "INVALID_ARGUMENT",
      message: /parse address "10\.210\.0\.1\/33"/,
    });
    await assert.rejects(ensureBridge({ ...bridge, name: "a-name-of-sixteen" }), {
      code: "INVALID_ARGUMENT",
      message: /1 to 15 characters/,
    });
    await assert.rejects(removeLink("no-such-link"), { code: "NOT_FOUND", operation: "delete link" });
    await assert.rejects(masquerade({ table: "t", sources: ["here"], exceptBridge: "lichen0" }), {
      code: "INVALID_ARGUMENT",
    });
  });

  test("masquerade rules say what they should, and are replaced as a whole", async (context) => {
    const rules = { table: "lichen", sources: ["10.210.0.0/16", "fd00:210::/64"], exceptBridge: "lichen0" };
    try {
      await masquerade(rules);
    } catch (error) {
      if (!["EOPNOTSUPP", "ENOENT"].includes(nativeCode(error) ?? "")) throw error;
      return context.skip(`this kernel has no nf_tables NAT: ${error}`);
    }
    await masquerade({ ...rules, sources: ["10.210.0.0/16"] });
    assert.equal(readFileSync("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal", "utf8"), "1\n");
    assert.equal(readFileSync("/proc/sys/net/ipv4/tcp_frto", "utf8"), "0\n");
    const listed = spawnSync("nft", ["list", "table", "inet", "lichen"], { encoding: "utf8" });
    if (listed.status === 0) {
      assert.match(listed.stdout, /type nat hook postrouting priority srcnat; policy accept;/);
      assert.match(listed.stdout, /ip saddr 10\.210\.0\.0\/16 oifname != "lichen0" masquerade/);
      assert.doesNotMatch(listed.stdout, /ip6/);
    }
    await removeTable("lichen");
    await assert.rejects(removeTable("lichen"), { code: "NOT_FOUND" });
  });

  test("forwarding can be switched on and off", () => {
    const told = () => readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8");
    setForwarding(true);
    assert.equal(told(), "1\n");
    setForwarding(false);
    assert.equal(told(), "0\n");
    setForwarding(true, ["ipv4"]);
    assert.equal(told(), "1\n");
  });

  test("a removed link is gone", async () => {
    await removeLink("lichen0");
    assert.equal(await find("lichen0"), undefined);
  });
}
