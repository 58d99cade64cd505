import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { PodSandboxState } from "#cri";
import type { CriClient } from "../../../proto/client.ts";
import { withDaemon } from "../context.ts";
import { bytes, shortId } from "../format.ts";
import { type ListedPort, podNetwork, portText } from "../pod-network.ts";
import { findTarget } from "../targets.ts";

/** Bytes that a pod has received and sent so far. */
export interface Traffic {
  received: number;
  sent: number;
}

/** What `lichen network inspect` shows of a pod. */
export interface InspectedPod {
  id: string;
  name: string;
  /** Empty on the node's own network. */
  ips: string[];
  ports: ListedPort[];
  /** undefined where nothing is counted. */
  total: Traffic | undefined;
  perSecond: Traffic | undefined;
}

/** The time over which rates are measured. */
const intervalMs = 1000;

/** `lichen network inspect [POD…]`: who has which addresses and ports, and how much goes in and out. */
export function network(program: Command): void {
  const group = program.command("network").description("the pods' network");
  group
    .command("inspect")
    .description("list pods with addresses, host ports and traffic")
    .argument("[names...]", "containers or pods, by name or id; all pods without")
    .action(async (names: string[], _options: object, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const wanted = await Promise.all(names.map(async (name) => (await findTarget(client, name)).pod.id));
        const pods = await inspect(client, (id) => names.length === 0 || wanted.includes(id));
        print(pods, ["POD", "NAME", "ADDRESSES", "PORTS", "RECEIVES", "SENDS"], () => networkRows(pods));
      });
    });
}

async function inspect(client: CriClient, shown: (id: string) => boolean): Promise<InspectedPod[]> {
  const { items } = await client.listPodSandbox({
    filter: { state: { state: PodSandboxState.SANDBOX_READY } },
  });
  const before = await traffic(client);
  const began = performance.now();
  const pods = items.filter(({ id }) => shown(id));
  const networks = await Promise.all(pods.map(({ id }) => podNetwork(client, id)));
  if (pods.length > 0) await sleep(intervalMs);
  const after = await traffic(client);
  const seconds = (performance.now() - began) / 1000;
  return pods.map(({ id, metadata }, index) => {
    const total = after.get(id);
    const { ips = [], ports = [] } = networks[index] ?? {};
    return {
      id,
      name: metadata?.name ?? "",
      ips,
      ports,
      total,
      perSecond: rate(before.get(id), total, seconds),
    };
  });
}

async function traffic(client: CriClient): Promise<Map<string, Traffic>> {
  const { stats } = await client.listPodSandboxStats({});
  return new Map(
    stats.flatMap(({ attributes, linux }) => {
      const counted = linux?.network?.defaultInterface;
      if (!attributes || !counted) return [];
      const own = { received: counted.rxBytes?.value ?? 0, sent: counted.txBytes?.value ?? 0 };
      return [[attributes.id, own] as const];
    }),
  );
}

function rate(before: Traffic | undefined, after: Traffic | undefined, seconds: number): Traffic | undefined {
  if (before === undefined || after === undefined) return undefined;
  return {
    received: (after.received - before.received) / seconds,
    sent: (after.sent - before.sent) / seconds,
  };
}

/** One row a pod. */
export function networkRows(pods: readonly InspectedPod[]): string[][] {
  const speed = (perSecond: number | undefined) =>
    perSecond === undefined ? "-" : `${bytes(Math.round(perSecond))}/s`;
  return pods.map(({ id, name, ips, ports, perSecond }) => [
    shortId(id),
    name,
    ips.join(", ") || "(the node's)",
    ports.map(portText).join(", "),
    speed(perSecond?.received),
    speed(perSecond?.sent),
  ]);
}
