import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LichenError } from "../../../src/errors.ts";
import { toLichenError } from "../../../src/native/failure.ts";
import type { Fd } from "../../../src/native/fd.ts";
import type { PortTarget } from "../../../src/native/ports.ts";
import { HostPorts } from "../../../src/network/host-ports.ts";
import { describe, type PortMapping } from "../../../src/network/port-mappings.ts";

/** The sockets of both sides, the process that serves, and what went wrong with them. */
class World {
  readonly bound = new Set<string>();
  readonly lines: string[] = [];
  readonly targets = new Map<string, PortTarget>();
  started = 0;
  alive = false;
  onClose: () => void = () => {};
  failures: Record<string, string> = {};

  ports(keepClients: () => Promise<void> = async () => {}): HostPorts {
    const open = (side: string) => async (address: string, port: number, protocol: string) => {
      const key = `${side} ${address} ${port} ${protocol}`;
      const code = this.bound.has(key) ? "EADDRINUSE" : this.failures[`${side} ${address}`];
      if (code !== undefined) throw toLichenError({ code, operation: "bind", object: key, reason: "no" });
      this.bound.add(key);
      return { close: () => void this.bound.delete(key) } as unknown as Fd;
    };
    const server = (onClose: () => void) => {
      this.onClose = onClose;
      this.alive = true;
      return {
        published: async () => [...this.targets.values()].map(({ pod, name }) => ({ pod, name, clients: 1 })),
        publish: async (target: PortTarget) => void this.targets.set(target.name, target),
        unpublish: async (pod: string) => {
          for (const [name, target] of this.targets) if (target.pod === pod) this.targets.delete(name);
        },
        close: () => {
          this.alive = false;
        },
      };
    };
    return new HostPorts({
      sides: { host: open("host"), node: open("node") },
      start: (onClose) => {
        this.started++;
        return server(onClose);
      },
      connect: (onClose) => (this.targets.size > 0 ? server(onClose) : undefined),
      keepClients,
      podNetworks: () => ["10.210.0.0/16"],
      log: {
        warn: (_fields, message) => void this.lines.push(message),
        error: (_fields, message) => void this.lines.push(message),
      },
    });
  }
}

const web: PortMapping = { protocol: "tcp", hostIp: "", hostPort: 8080, containerPort: 80 };
const pod = { sandboxId: "a", monitorPid: 7, ips: ["10.210.0.2"] };
const refusal = (code: string, message: RegExp, hint: RegExp) => (error: unknown) =>
  error instanceof LichenError &&
  error.code === code &&
  message.test(error.message) &&
  hint.test(error.hint ?? "");

test("a port is bound on both sides for both families first, and served later", async () => {
  const world = new World();
  const ports = world.ports();
  await ports.reserve("a", [web]);
  assert.equal(world.bound.size, 4);
  assert.equal(world.started, 0);
  await ports.publish(pod);
  assert.deepEqual([...world.targets.keys()].sort(), [
    "host 0.0.0.0:8080->80/tcp",
    "host [::]:8080->80/tcp",
    "node 0.0.0.0:8080->80/tcp",
    "node [::]:8080->80/tcp",
  ]);
  for (const [name, { monitor, targets, keepClient }] of world.targets)
    assert.deepEqual([monitor, targets, keepClient], [7, ["10.210.0.2"], name.startsWith("host")]);
  assert.equal((await ports.clients("a")).get(describe(web)), 4);
});

test("the process is let go of with the last port, and pods without ports never start one", async () => {
  const world = new World();
  const ports = world.ports();
  await ports.reserve("none", []);
  await ports.publish({ ...pod, sandboxId: "none" });
  await ports.unpublish("none");
  assert.equal(world.started, 0);
  await ports.reserve("a", [web]);
  await ports.publish(pod);
  await ports.unpublish("a");
  await ports.unpublish("a");
  assert.deepEqual([world.alive, world.targets.size], [false, 0]);
});

test("what was bound for a pod that is not made after all is closed", async () => {
  const world = new World();
  const ports = world.ports();
  await ports.reserve("a", [web]);
  await ports.unpublish("a");
  assert.equal(world.bound.size, 0);
});

test("a port of another pod is refused by its name, and of another program with the way to find it", async () => {
  const world = new World();
  const ports = world.ports();
  await ports.reserve("a", [web]);
  const taken = refusal("FAILED_PRECONDITION", /\*:8080\/tcp: pod sandbox a has it/, /stop that pod/);
  await assert.rejects(ports.reserve("b", [web]), taken);
  world.bound.add("node :: 90 tcp");
  const other = refusal("FAILED_PRECONDITION", /in the node's own network/, /lichen enter -- ss -lntp/);
  await assert.rejects(ports.reserve("b", [{ ...web, hostPort: 90 }]), other);
  assert.equal(world.bound.size, 5, "nothing of the refused pod is left");
});

test("a kernel without IPv6, and an address that only one side has, are fine; one that neither has is not", async () => {
  const world = new World();
  const ports = world.ports();
  world.failures = {
    "host ::": "EAFNOSUPPORT",
    "node ::": "EAFNOSUPPORT",
    "node 192.0.2.1": "EADDRNOTAVAIL",
  };
  await ports.reserve("a", [web]);
  await ports.reserve("b", [{ ...web, hostIp: "192.0.2.1", hostPort: 81 }]);
  world.failures["host 192.0.2.1"] = "EADDRNOTAVAIL";
  const nobody = refusal("FAILED_PRECONDITION", /neither the host nor the node/, /ip addr/);
  await assert.rejects(ports.reserve("c", [{ ...web, hostIp: "192.0.2.1", hostPort: 82 }]), nobody);
});

test("a privileged port is explained with the exact setting", async () => {
  const world = new World();
  world.failures = { "host 0.0.0.0": "EACCES" };
  const way = /sudo sysctl -w net\.ipv4\.ip_unprivileged_port_start=443; to keep it: .*sysctl\.d/;
  const privileged = refusal("PERMISSION_DENIED", /ip_unprivileged_port_start are for root on the host/, way);
  await assert.rejects(world.ports().reserve("a", [{ ...web, hostPort: 443 }]), privileged);
});

test("a kernel that cannot keep clients' addresses is told once, and ports work", async () => {
  const world = new World();
  const ports = world.ports(() => Promise.reject(new Error("no nft_socket")));
  for (const [sandboxId, hostPort] of [["a", 1080] as const, ["b", 1081] as const]) {
    await ports.reserve(sandboxId, [{ ...web, hostPort }]);
    await ports.publish({ ...pod, sandboxId });
  }
  assert.equal(world.lines.length, 1);
  assert.ok([...world.targets.values()].every(({ keepClient }) => !keepClient));
});

test("a later daemon takes over what is served, ends what belongs to nobody, and serves what is missing", async () => {
  const world = new World();
  const before = world.ports();
  for (const [sandboxId, hostPort] of [["a", 1080] as const, ["gone", 1081] as const]) {
    await before.reserve(sandboxId, [{ ...web, hostPort }]);
    await before.publish({ ...pod, sandboxId });
  }
  before.close();
  const later = world.ports();
  await later.recover([
    { ...pod, mappings: [{ ...web, hostPort: 1080 }] },
    { ...pod, sandboxId: "late", mappings: [{ ...web, hostPort: 1082 }] },
  ]);
  assert.equal(world.started, 1);
  assert.deepEqual(new Set([...world.targets.values()].map((target) => target.pod)), new Set(["a", "late"]));
  await assert.rejects(later.reserve("b", [{ ...web, hostPort: 1080 }]), LichenError);
});

test("a process that was killed is started again with every port", async () => {
  const world = new World();
  const ports = world.ports();
  await ports.reserve("a", [web]);
  await ports.publish(pod);
  world.targets.clear();
  world.onClose();
  for (let tried = 0; world.targets.size < 4 && tried < 500; tried++) await sleep(10);
  assert.equal(world.targets.size, 4);
  assert.equal(world.started, 2);
  ports.close();
});

test("that pods do not see their clients' addresses is told from the first port on", async () => {
  const world = new World();
  const ports = world.ports(async () => {
    throw new Error("no nft_socket");
  });
  assert.deepEqual(ports.lacks(), []);
  await ports.reserve("pod", [web]);
  await ports.publish({ sandboxId: "pod", monitorPid: 1, ips: ["10.210.0.2"] });
  const [lack, ...more] = ports.lacks();
  assert.deepEqual([lack?.type, lack?.reason, more], ["HostPortClients", "NoTransparentSockets", []]);
  assert.match(lack?.message ?? "", /instead of their clients'.*no nft_socket \(sudo modprobe/);
});
