// The other uplink program: pods reach the host's addresses by it, and the host's loopback only when that is configured.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hostServer, ownAddress } from "../../support/network-peer.ts";
import { startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

for (const loopback of [true, false]) {
  test(`the host's loopback is ${loopback ? "" : "not "}reached by slirp4netns ${loopback ? "when" : "unless"} configured, its address always`, async (t) => {
    const node = await startNode({
      config: `[network]\nuplink = "slirp4netns"\nhost_loopback = ${loopback}\n`,
    });
    try {
      const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
      if (uplink.kind === "none") return t.skip(uplink.reason);
      assert.equal(uplink.kind, "slirp4netns");
      const image = await pullBusybox(node);
      const pod = await runPod(node, "asks");
      const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000");
      const sh = async (command: string) => {
        const cmd = ["sh", "-c", command];
        const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 20 });
        return Buffer.from(stdout).toString();
      };
      const ask = (host: string, port: number) => sh(`sleep 1 | nc -w 3 ${host} ${port} 2>/dev/null`);
      const own = ownAddress("IPv4");
      if (own !== undefined) {
        const { server, port } = await hostServer(own);
        await eventually(async () => assert.equal(await ask(own, port), "the host\n"));
        server.close();
      }
      const { server, port } = await hostServer("127.0.0.1");
      const hosts = await sh("cat /etc/hosts");
      if (loopback) {
        assert.match(hosts, /host\.lichen\.internal/);
        await eventually(async () => assert.equal(await ask("host.lichen.internal", port), "the host\n"));
      } else {
        assert.doesNotMatch(hosts, /host\.lichen\.internal/);
        for (const host of [uplink.gateway, "127.0.0.1"]) assert.equal(await ask(host, port), "", host);
      }
      server.close();
    } finally {
      await node.stop();
    }
  });
}
