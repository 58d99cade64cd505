// A host of our own around the launcher: names asked for inside of the node reach the host's resolver, a host without TUN device is
// explained. The host is a user, mount and network namespace with one interface, so that nothing leaves this machine.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { LauncherUnderTest } from "../../support/launcher.ts";

const sh = (script: string) =>
  execFileSync("/bin/sh", ["-ec", script], { stdio: ["ignore", "pipe", "inherit"] });

/** An answer to a DNS query for an A record: 192.0.2.77. */
function answer(query: Buffer): Buffer {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const header = Buffer.from([...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77]);
  return Buffer.concat([header, question, record]);
}

if (inNamespaces()) {
  describe("on a host of our own", () => {
    const resolver = createSocket("udp4");
    const scratch = mkdtempSync(join(tmpdir(), "lichen-dns-"));
    before(async () => {
      sh(`ip link set lo up
          ip link add out0 type veth peer name wire0 && ip link set wire0 up
          ip address add 198.51.100.1/24 dev out0 && ip link set out0 up
          ip route add default via 198.51.100.254`);
      const resolvConf = join(scratch, "resolv.conf");
      writeFileSync(resolvConf, "search example.org\nnameserver 198.51.100.1\n");
      sh(`mount --bind ${resolvConf} "$(realpath /etc/resolv.conf)"`);
      resolver.on("message", (query, from) => resolver.send(answer(query), from.port, from.address));
      resolver.bind(53, "198.51.100.1");
      await once(resolver, "listening");
    });
    after(() => {
      resolver.close();
      rmSync(scratch, { recursive: true });
    });

    for (const kind of ["pasta", "slirp4netns"]) {
      test(`${kind} forwards names to the host's resolver`, async (t) => {
        const node = new LauncherUnderTest();
        try {
          await node.serve(["/bin/sleep", "1000"], { args: ["--uplink", kind] });
          const { uplink } = node.info();
          if (uplink.kind === "none") return t.skip(uplink.reason);
          const script = `const { Resolver } = require("node:dns").promises;
            const one = new Resolver({ timeout: 2000, tries: 1 }); one.setServers(["${uplink.dns[0]}"]);
            one.resolve4("web.example.org").then(console.log, (error) => console.log(error.code))`;
          const { stdout } = await node.enter(process.execPath, "-e", script);
          assert.equal(stdout.trim(), "[ '192.0.2.77' ]");
          assert.equal(
            await node.inside("cat /etc/resolv.conf"),
            `nameserver ${uplink.dns[0]}\nsearch example.org\nnameserver 198.51.100.1\n`,
          );
        } finally {
          await node.cleanUp();
        }
      });
    }

    test("a TUN device that is missing is named, with the command that brings it", async () => {
      sh("mount -t tmpfs none /dev/net");
      const node = new LauncherUnderTest();
      try {
        await node.serve(["/bin/sleep", "1000"]);
        assert.equal(node.info().uplink.kind, "none");
        assert.match(node.info().uplink.reason, /\/dev\/net\/tun.*ENOENT/);
        const warning = node.info().warnings.find(({ code }) => code === "UPLINK_MISSING");
        assert.equal(warning?.hint, "sudo modprobe tun");
      } finally {
        await node.cleanUp();
      }
    });
  });
}
