// The node's way out (uplink) and the way in (listening sockets on the host side). Traffic stays on this machine: servers listen on its own
// addresses.
import assert from "node:assert/strict";
import { once } from "node:events";
import { accessSync, constants, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, isAlive, LauncherUnderTest } from "../../support/launcher.ts";

const sleeper = ["/bin/sleep", "1000"];
const inPath = (name: string) =>
  (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === "IPv4" && !one.internal)?.address;

async function listening(address: string): Promise<{ server: Server; port: number }> {
  const server = createServer((connection) => connection.end("hello from the host")).listen(0, address);
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

/** Connects from inside of the node and gives what the server says, or the failure. */
async function ask(node: LauncherUnderTest, host: string, port: number): Promise<string> {
  const script = `const s = require("node:net").connect({host: "${host}", port: ${port}, timeout: 1500});
    s.pipe(process.stdout); s.on("timeout", () => s.destroy(new Error("timed out"))); s.on("error", (e) => console.log(e.message))`;
  return (await node.enter(process.execPath, "-e", script)).stdout.trim();
}

for (const kind of ["pasta", "slirp4netns"]) {
  const reason = !inPath(kind)
    ? `${kind} is not installed`
    : ownAddress === undefined && "no address but loopback";
  describe(`the uplink by ${kind}`, { skip: reason }, () => {
    const node = new LauncherUnderTest();
    let unreachable: string | undefined;
    before(async () => {
      await node.serve(sleeper, { args: ["--uplink", kind] });
      const { uplink } = node.info();
      if (uplink.kind === "none") unreachable = uplink.reason;
    });
    after(() => node.cleanUp());

    test("carries TCP to the host's own address", async (t) => {
      if (unreachable) return t.skip(unreachable);
      const { server, port } = await listening(ownAddress ?? "");
      assert.equal(await ask(node, ownAddress ?? "", port), "hello from the host");
      server.close();
    });

    test("has no way to the host's loopback", async (t) => {
      if (unreachable) return t.skip(unreachable);
      const { server, port } = await listening("127.0.0.1");
      for (const host of [node.info().uplink.gateway, "127.0.0.1"])
        assert.notEqual(await ask(node, host, port), "hello from the host", host);
      server.close();
    });

    test("is as node.json says, with one large MTU and a forwarder for names", async (t) => {
      if (unreachable) return t.skip(unreachable);
      const { uplink } = node.info();
      assert.equal(uplink.kind, kind);
      const routes = await node.inside("cat /proc/net/route");
      assert.match(routes, new RegExp(`^${uplink.interface}\t00000000\t`, "m"));
      assert.equal(await node.inside(`cat /sys/class/net/${uplink.interface}/mtu`), "65520\n");
      assert.match(await node.inside("cat /etc/resolv.conf"), new RegExp(`^nameserver ${uplink.dns[0]}\n`));
      assert.doesNotMatch(
        readFileSync("/etc/resolv.conf", "utf8"),
        new RegExp(`^nameserver ${uplink.dns[0]}$`, "m"),
      );
    });

    const paced = async () =>
      (await node.inside(`tc qdisc show dev ${node.info().uplink.interface} || true`)).includes("tbf");

    test("comes back when it is killed, and ends with the node", async (t) => {
      if (unreachable) return t.skip(unreachable);
      const before = await paced();
      if (kind === "pasta" && !before) t.diagnostic("not paced: no tc(8), or a kernel without sch_tbf");
      const first = node.pidIn("uplink.pid") ?? 0;
      process.kill(first, "SIGKILL");
      const second = await eventually("another uplink", () => {
        const pid = node.pidIn("uplink.pid");
        return pid !== first && pid;
      });
      const { server, port } = await listening(ownAddress ?? "");
      assert.equal(await ask(node, ownAddress ?? "", port), "hello from the host");
      server.close();
      for (let tries = 0; tries < 100 && (await paced()) !== before; tries++) await sleep(20);
      assert.equal(await paced(), before, "the pace of the first");
      await node.end();
      assert.equal(isAlive(second), false);
    });
  });
}

describe("without an uplink", () => {
  const node = new LauncherUnderTest();
  after(() => node.cleanUp());

  test("the node says why, and keeps the host's resolv.conf", async () => {
    await node.serve(sleeper, { args: ["--uplink", "none"] });
    const { kind, reason, address } = node.info().uplink;
    assert.deepEqual([kind, address], ["none", ""]);
    assert.match(reason, /--uplink none/);
    assert.equal(await node.inside("cat /etc/resolv.conf"), readFileSync("/etc/resolv.conf", "utf8"));
  });
});

describe("the daemon's requests", () => {
  const node = new LauncherUnderTest();
  before(() =>
    node.serve([process.execPath, join(import.meta.dirname, "../../support/launcher-daemon.ts")], {
      args: ["--uplink", "none"],
    }),
  );
  after(() => node.cleanUp());

  test("bring a listening socket of the host's network into the node", async () => {
    const [, port] = await eventually(
      `the daemon's port\n`,
      () => /listening on (\d+)/.exec(node.log()) ?? undefined,
    );
    const connection = connect(Number(port), "127.0.0.1");
    let greeting = "";
    connection.on("data", (data) => (greeting += String(data)));
    await once(connection, "close");
    assert.equal(greeting, "hello from inside");
  });

  test("are refused with a reason", async () => {
    await eventually("the refusal", () => node.log().includes("refused:"));
    assert.match(node.log(), /refused: .*is not an IPv4 or IPv6 address/);
  });
});
