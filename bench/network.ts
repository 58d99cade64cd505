// node bench/network.ts [--rounds N] [--megabytes N] [--connections-seconds N]: what lichen's network costs, each figure beside the bare thing
// it is made of and podman's (netavark's bridge, pasta behind it), in turns within one run. Runs as the unprivileged user who may start a node.
// [--peers FOLDER]: where `npm run bench` has put podman; without it there, it is left out.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect as tcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { NamespaceMode } from "#cri";
import { freePort, ownAddress } from "../test/support/network-peer.ts";
import { type LichenNode, startNode } from "../test/support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../test/support/pods.ts";
import { type PodmanStreams, startPodmanStreams } from "./peers/podman-streams.ts";
import { median, rounded, timed } from "./support/statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    megabytes: { type: "string", default: "1500" },
    "connections-seconds": { type: "string", default: "60" },
    peers: { type: "string", default: "/var/cache/lichen-bench/peers" },
  },
});
const rounds = Number(values.rounds);
const bytes = Number(values.megabytes) * 1e6;
const folder = mkdtempSync(join(tmpdir(), "lb-"));
const stream = join(folder, "stream");
const port = 7000;
const children: ChildProcess[] = [];

/** Starts a program whose first line of output says that it is ready. */
async function started(command: string[]): Promise<ChildProcess> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => Promise.reject(new Error(`${command} ended`))),
  ]);
  return child;
}

function speed(command: string[]): number {
  const [file = "", ...args] = command;
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", timeout: 20_000 });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr || "it took more than 20 s"}`);
  return Number(stdout);
}

/** A user and network namespace in which programs can be run. */
async function namespace(script = ""): Promise<{ pid: number; run: (...command: string[]) => string[] }> {
  const child = await started([
    "unshare",
    "-Urn",
    "sh",
    "-c",
    `ip link set lo up; ${script} echo ready; exec sleep 100000`,
  ]);
  const pid = child.pid ?? 0;
  return {
    pid,
    run: (...command) => ["nsenter", "--preserve-credentials", "-U", "-n", "-t", String(pid), ...command],
  };
}

/** Two namespaces joined by a veth pair of the MTU that lichen uses; gives how to send over it. */
async function bareVeth(): Promise<() => number> {
  const one = await namespace(
    "ip link add v0 mtu 65520 type veth peer name v1 mtu 65520; ip addr add 10.1.0.1/24 dev v0; ip link set v0 up;",
  );
  const inner = await started(one.run("unshare", "-n", "sh", "-c", "echo ready; exec sleep 100000"));
  const enter = one.run("nsenter", "-n", "-t", String(inner.pid));
  const sh = (command: string[]) => spawnSync(command[0] ?? "", command.slice(1), { stdio: "inherit" });
  sh(one.run("ip", "link", "set", "v1", "netns", String(inner.pid)));
  sh([...enter, "sh", "-c", "ip addr add 10.1.0.2/24 dev v1; ip link set v1 up"]);
  await started([...enter, stream, "serve", String(port)]);
  return () => speed(one.run(stream, "send", "10.1.0.2", String(port), String(bytes)));
}

/** A namespace behind pasta with the options that lichen gives it, and more. */
async function barePasta(more: string[] = []): Promise<{ run: (...command: string[]) => string[] }> {
  const space = await namespace();
  const pasta = spawn(
    "pasta",
    [
      "--foreground",
      "--quiet",
      "--config-net",
      "--ipv4-only",
      "--mtu",
      "65520",
      "--address",
      "10.0.2.100",
      "--netmask",
      "24",
    ]
      .concat([
        "--gateway",
        "10.0.2.2",
        "--no-map-gw",
        "--udp-ports",
        "none",
        "--tcp-ns",
        "none",
        "--udp-ns",
        "none",
      ])
      .concat(more, [String(space.pid)]),
    { stdio: "inherit" },
  );
  children.push(pasta);
  await sleep(1000);
  return space;
}

type Measure = [name: string, measure: () => number | Promise<number>];
const figures = new Map<string, number[]>();

/** Each measure once a round, in turns. */
async function inTurns(measures: Measure[], count = rounds): Promise<void> {
  for (let round = 0; round < count; round++) {
    for (const [name, measure] of round % 2 === 0 ? measures : [...measures].reverse()) {
      figures.set(name, [...(figures.get(name) ?? []), await measure()]);
    }
  }
}

/** A transfer by way of pasta, which resets connections or lets them stand still now and then: then the figure is 0, and the reason is told. */
function orNothing(measure: () => number | Promise<number>): () => Promise<number> {
  return async () => {
    try {
      return await measure();
    } catch (error) {
      console.error(String(error));
      return 0;
    }
  };
}

const mount = [{ hostPath: folder, containerPath: "/bench", readonly: true }];

async function streamPod(node: LichenNode, image: string, name: string, hostPort?: number) {
  const portMappings =
    hostPort === undefined ? [] : [{ protocol: 0 as const, containerPort: port, hostPort, hostIp: "" }];
  const pod = await runPod(node, name, { portMappings });
  const container = await runContainer(node, pod, image, "main", `exec /bench/stream serve ${port}`, {
    mounts: mount,
  });
  const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
  return { pod, container, ip: status?.network?.ip ?? "" };
}

/** Opens so many connections a second, each of which must be answered by the pod's end. Gives how many failed. */
async function connections(
  hostPort: number,
  perSecond: number,
  seconds: number,
): Promise<{ tried: number; failed: number }> {
  let failed = 0;
  let tried = 0;
  const pending: Promise<void>[] = [];
  const one = () =>
    new Promise<void>((resolve) => {
      const socket = tcp({ host: "127.0.0.1", port: hostPort }, () => socket.end("x"));
      const done = (ok: boolean) => {
        if (!ok) failed++;
        socket.destroy();
        resolve();
      };
      socket.setTimeout(10_000, () => done(false));
      socket
        .on("error", () => done(false))
        .on("end", () => done(true))
        .resume();
    });
  for (const began = performance.now(); performance.now() - began < seconds * 1000; await sleep(5)) {
    const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
    for (; tried < due; tried++) pending.push(one());
  }
  await Promise.all(pending);
  return { tried, failed };
}

async function podTimes(node: LichenNode): Promise<void> {
  let counter = 0;
  const life = async (network: 0 | 2) => {
    const options = { linux: { securityContext: { namespaceOptions: { network } } } };
    const [run, pod] = await timed(() => runPod(node, `life-${counter++}`, options));
    const [stop] = await timed(() => node.client.stopPodSandbox({ podSandboxId: pod.id }));
    await node.client.removePodSandbox({ podSandboxId: pod.id });
    return { run, stop };
  };
  const stops: number[] = [];
  await inTurns(
    [
      [
        "RunPodSandbox, ms",
        async () => {
          const { run, stop } = await life(NamespaceMode.POD);
          stops.push(stop);
          return run;
        },
      ],
      ["RunPodSandbox hostNetwork, ms", async () => (await life(NamespaceMode.NODE)).run],
    ],
    20,
  );
  figures.set("StopPodSandbox, ms", stops);
}

const compiled = spawnSync(
  "gcc",
  ["-O2", "-static", "-o", stream, join(import.meta.dirname, "network/stream.c")],
  { stdio: "inherit" },
);
if (compiled.status !== 0) throw new Error("gcc could not compile bench/network/stream.c");
const podmanPort = await freePort();
let podman: PodmanStreams | undefined;
/** A measure of podman's, where there is one. */
const ofPodman = (name: string, measure: (peer: PodmanStreams) => number): Measure[] => {
  const peer = podman;
  return peer === undefined ? [] : [[name, orNothing(() => measure(peer))]];
};
const node = await startNode();
try {
  if (existsSync(join(values.peers, "bin/podman")))
    podman = startPodmanStreams(values.peers, stream, port, podmanPort);
  const image = await pullBusybox(node);
  await podTimes(node);

  const hostPort = await freePort();
  const server = await streamPod(node, image, "server", hostPort);
  const client = await streamPod(node, image, "client");
  const inPod = async (address: string, to: number) => {
    const cmd = ["/bench/stream", "send", address, String(to), String(bytes)];
    const { stdout, stderr, exitCode } = await node.client.execSync({
      containerId: client.container,
      cmd,
      timeout: 20,
    });
    if (exitCode !== 0) throw new Error(Buffer.from(stderr).toString());
    return Number(Buffer.from(stdout).toString());
  };
  await eventually(() => speed([stream, "send", "127.0.0.1", String(hostPort), "1000"]));
  const veth = await bareVeth();
  await inTurns([
    ["pod to pod, MB/s", () => inPod(server.ip, port)],
    ["bare veth, MB/s", veth],
    ...ofPodman("podman pod to pod, MB/s", (peer) => peer.send(peer.ip, port, bytes)),
  ]);

  const host = ownAddress("IPv4");
  if (host !== undefined) {
    const hostServer = await freePort();
    await started([stream, "serve", String(hostServer)]);
    const pasta = await barePasta(["--tcp-ports", "none"]);
    await inTurns([
      ["pod to host, MB/s", orNothing(() => inPod(host, hostServer))],
      [
        "bare pasta to host, MB/s",
        orNothing(() => speed(pasta.run(stream, "send", host, String(hostServer), String(bytes)))),
      ],
    ]);
  }
  const pastaPort = await freePort();
  const forwarded = await barePasta(["--tcp-ports", String(pastaPort)]);
  await started(forwarded.run(stream, "serve", String(pastaPort)));
  const send = (address: string, to: number) => () =>
    speed([stream, "send", address, String(to), String(bytes)]);
  await inTurns([
    ["host port, MB/s", send("127.0.0.1", hostPort)],
    ["pasta's forwarding, MB/s", send("127.0.0.1", pastaPort)],
    ...ofPodman("podman host port, MB/s", () => send("127.0.0.1", podmanPort)()),
    ...(host === undefined
      ? []
      : ([
          ["host port, host's own address, MB/s", send(host, hostPort)],
          ["pasta's forwarding, host's own address, MB/s", send(host, pastaPort)],
        ] as Measure[])),
  ]);
  for (const [name, all] of figures) {
    const sorted = all.toSorted((one, other) => one - other).map(rounded);
    console.log(name.padEnd(48), rounded(median(all)), ` (${sorted[0]} to ${sorted.at(-1)})`);
  }
  const ratio = (one: string, other: string) =>
    console.log(
      `${one} / ${other}`.padEnd(80),
      rounded(median(figures.get(one) ?? []) / median(figures.get(other) ?? [])),
    );
  ratio("pod to pod, MB/s", "bare veth, MB/s");
  ratio("pod to host, MB/s", "bare pasta to host, MB/s");
  ratio("host port, MB/s", "pasta's forwarding, MB/s");
  if (podman !== undefined) {
    // To this machine's own address podman's containers have no way: pasta gives it to them.
    for (const way of ["pod to pod", "host port"]) ratio(`${way}, MB/s`, `podman ${way}, MB/s`);
  }
  ratio("host port, host's own address, MB/s", "pasta's forwarding, host's own address, MB/s");
  const { tried, failed } = await connections(hostPort, 200, Number(values["connections-seconds"]));
  console.log(`${tried} connections through a host port, ${failed} failed`);
} finally {
  for (const child of children) child.kill("SIGKILL");
  podman?.stop();
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
}
