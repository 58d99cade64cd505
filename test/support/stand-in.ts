import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Captured, capture } from "./capture.ts";
import { eventually } from "./pods.ts";

/** A machine elsewhere: a network namespace of its own, reached only at ports of this machine that pasta(1) leads into it. */
export interface StandIn {
  /** Runs a program in it, to its end. */
  run(...command: string[]): Promise<Captured>;
  stop(): void;
}

/** Where its two servers listen, in there and on this machine (test/support/network-server.mjs). */
export interface StandInPorts {
  tcp: number;
  udp: number;
}

/** Starts a stand-in for the world outside, which answers at these ports of this machine's own addresses. `ipv6`: by both families. Throws where pasta does not run. */
export async function startStandIn({ tcp, udp }: StandInPorts, ipv6: boolean): Promise<StandIn> {
  const children: ChildProcess[] = [];
  const stop = () => {
    for (const child of children) child.kill("SIGKILL");
  };
  // As long as the kernel looks for duplicates of the link's own address, about two seconds, it asks for no neighbours: a first connection
  // by IPv6 in that time gets nothing but an end, after pasta's ten seconds.
  const noDad = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad 2> /dev/null";
  const hold = `${noDad}; ip link set lo up; echo ready; exec sleep 10000`;
  const holder = spawn("unshare", ["-Urn", "sh", "-c", hold], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(holder);
  await once(holder.stdout, "data");
  const enter = ["--preserve-credentials", "-U", "-n", "-t", String(holder.pid)];
  const server = join(import.meta.dirname, "network-server.mjs");
  const node = [process.execPath, server, String(tcp), String(udp)];
  children.push(spawn("nsenter", [...enter, ...node], { stdio: "ignore" }));
  const address = ["--address", "198.51.100.7", "--netmask", "24", "--gateway", "198.51.100.1"];
  if (ipv6) address.push("--address", "fd00:db8:7::7", "--gateway", "fd00:db8:7::1");
  const ports = [
    "--tcp-ports",
    String(tcp),
    "--udp-ports",
    String(udp),
    "--tcp-ns",
    "none",
    "--udp-ns",
    "none",
  ];
  const pasta = spawn(
    "pasta",
    ["--foreground", "--quiet", "--config-net", "--no-map-gw", ...address, ...ports, String(holder.pid)],
    { stdio: "ignore" },
  );
  children.push(pasta);
  const run = (...command: string[]) => capture("nsenter", [...enter, ...command], process.env);
  try {
    await eventually(async () => {
      const { stdout } = await run("ip", "route");
      if (!stdout.includes("default via 198.51.100.1")) throw new Error(`pasta made no route: ${stdout}`);
    });
  } catch (error) {
    stop();
    throw error;
  }
  return { run, stop };
}
