import assert from "node:assert/strict";
import { test } from "node:test";
import { networkRows } from "../../../src/cli/commands/network.ts";
import { portRows } from "../../../src/cli/commands/port.ts";
import { publishOption } from "../../../src/cli/options.ts";
import { podNetwork } from "../../../src/cli/pod-network.ts";

test("ports to publish are read, and what is none is refused with an example", () => {
  assert.deepEqual(publishOption("8080:80"), [
    { protocol: 0, hostIp: "", hostPort: 8080, containerPort: 80 },
  ]);
  const [, udp, v6] = publishOption(
    "[::1]:80:81",
    publishOption("127.0.0.1:53:5353/udp", publishOption("1:2")),
  );
  assert.deepEqual(udp, { protocol: 1, hostIp: "127.0.0.1", hostPort: 53, containerPort: 5353 });
  assert.deepEqual(v6, { protocol: 0, hostIp: "::1", hostPort: 80, containerPort: 81 });
  for (const value of [
    "80",
    "0:80",
    "80:70000",
    "a:80:80",
    "1.2.3:80:80",
    "::1:80:80",
    "80:80/sctp",
    "80:80 ",
  ])
    assert.throws(() => publishOption(value), /such as 8080:80/, value);
});

const ports = [
  { protocol: "tcp", hostIp: "", hostPort: 8080, containerPort: 80 },
  { protocol: "udp", hostIp: "::1", hostPort: 53, containerPort: 5353 },
];

test("ports and pods are shown as rows", () => {
  assert.deepEqual(portRows(ports), [
    ["*:8080", "80/tcp"],
    ["[::1]:53", "5353/udp"],
  ]);
  const pod = { id: "0123456789abcdef", name: "web", ips: ["10.210.0.2", "fd00::2"], ports };
  const known = { ...pod, total: undefined, perSecond: { received: 1500.4, sent: 0 } };
  assert.deepEqual(networkRows([known, { ...known, ips: [], ports: [], perSecond: undefined }]), [
    ["0123456789ab", "web", "10.210.0.2, fd00::2", "*:8080->80/tcp, [::1]:53->5353/udp", "1.5 kB/s", "0 B/s"],
    ["0123456789ab", "web", "(the node's)", "", "-", "-"],
  ]);
});

test("a pod's ports are found in the verbose form of its status", async () => {
  const config = { port_mappings: [{ container_port: 80, host_port: 8080 }, { container_port: 81 }] };
  const client = {
    podSandboxStatus: async () => ({
      status: { network: { ip: "10.210.0.2", additionalIps: [{ ip: "fd00::2" }] } },
      info: { info: JSON.stringify({ config }) },
    }),
  };
  assert.deepEqual(await podNetwork(client as never, "x"), {
    ips: ["10.210.0.2", "fd00::2"],
    ports: [{ protocol: "tcp", hostIp: "", hostPort: 8080, containerPort: 80 }],
  });
});
