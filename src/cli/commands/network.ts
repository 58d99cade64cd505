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

/** A sample of a pod's traffic: the daemon's are of different moments, and may be some time old. */
interface Sample extends Traffic {
  /** Nanoseconds since the epoch. */
  at: bigint;
}

/** The least time over which rates are measured. */
const intervalMs = 1000;
/** How often is waited for so long until every pod has a newer sample: on a node with many pods they are up to ten seconds old. */
const mostIntervals = 12;

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
  const pods = items.filter(({ id }) => shown(id));
  const networks = await Promise.all(pods.map(({ id }) => podNetwork(client, id)));
  const after = await newerTraffic(
    client,
    before,
    pods.map(({ id }) => id),
  );
  return pods.map(({ id, metadata }, index) => {
    const { ips = [], ports = [] } = networks[index] ?? {};
    const now = after.get(id);
    const total = now && { received: now.received, sent: now.sent };
    return { id, name: metadata?.name ?? "", ips, ports, total, perSecond: rate(before.get(id), now) };
  });
}

async function traffic(client: CriClient): Promise<Map<string, Sample>> {
  const { stats } = await client.listPodSandboxStats({});
  return new Map(
    stats.flatMap(({ attributes, linux }) => {
      const counted = linux?.network?.defaultInterface;
      if (!attributes || !linux?.network || !counted) return [];
      const { rxBytes, txBytes } = counted;
      const at = BigInt(linux.network.timestamp);
      return [[attributes.id, { received: rxBytes?.value ?? 0, sent: txBytes?.value ?? 0, at }] as const];
    }),
  );
}

/** Traffic when all of these pods that are in `before` have a newer sample, or have ended. */
async function newerTraffic(
  client: CriClient,
  before: ReadonlyMap<string, Sample>,
  ids: readonly string[],
): Promise<Map<string, Sample>> {
  let after = new Map<string, Sample>();
  const same = (id: string) => after.get(id) !== undefined && after.get(id)?.at === before.get(id)?.at;
  for (let waited = 0; ids.length > 0 && waited < mostIntervals; waited++) {
    await sleep(intervalMs);
    after = await traffic(client);
    if (!ids.some(same)) break;
  }
  return after;
}

/** Bytes a second between two samples; undefined where there are not two. */
export function rate(before: Sample | undefined, after: Sample | undefined): Traffic | undefined {
  if (before === undefined || after === undefined || after.at <= before.at) return undefined;
  const seconds = Number(after.at - before.at) / 1e9;
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
