import { readdirSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import type { Container, PodSandbox } from "#cri";
import { PodSandboxState } from "#cri";
import { entries, quietly, text } from "../quiet-files.ts";
import type { Finding } from "./doctor.ts";

/** Where a node keeps things. */
export interface NodePlaces {
  runtimeDir: string;
  dataDir: string;
}

/** What a node holds for pods and containers: names, each of which must belong to one that there is. */
export interface Held {
  podDirectories: string[];
  containerDirectories: string[];
  /** Cgroups of pods, monitors and containers. */
  cgroups: string[];
  /** Pods whose monitors run. */
  monitors: string[];
  mounts: string[];
  /** Host ends of pods' networks, named by the beginning of the pod's id. */
  veths: string[];
  descriptors: number;
}

/** The id in the names of cgroups, monitors and container directories. */
const idPattern = /^[0-9a-f]{64}$/;
const scopePattern = /^lichen-([0-9a-f]{64})\.scope$/;
const shortIdLength = 16;
/** A daemon has some for itself, some for each pod and few for each client. */
const descriptorsOfItself = 80;
const descriptorsOfPod = 4;

/** Looks at the directories, and at the daemon's view of the kernel. What may not be looked at counts as nothing. */
export function look({ runtimeDir, dataDir }: NodePlaces): Held {
  const daemon = Number(text(join(runtimeDir, "daemon.pid")).split(" ")[0]);
  const proc = `/proc/${daemon}`;
  const namespace = namespaceOf(daemon);
  return {
    podDirectories: entries(join(runtimeDir, "pods")),
    containerDirectories: entries(join(dataDir, "containers")),
    cgroups: [
      ...below(`${proc}/root/sys/fs/cgroup`).map((path) => basename(path)),
      ...scopes(join(`${proc}/root`, runtimeDir, "slices"), namespace),
    ],
    monitors: monitors(namespace),
    mounts: text(`${proc}/mountinfo`)
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter(
        (point) => point.startsWith(`${runtimeDir}/pods/`) || point.startsWith(`${dataDir}/containers/`),
      ),
    veths: text(`${proc}/net/dev`)
      .split("\n")
      .map((line) => line.split(":")[0]?.trim() ?? "")
      .filter((name) => /^lc[0-9a-f]+$/.test(name)),
    descriptors: entries(`${proc}/fd`).length,
  };
}

/** Compares what is held with the pods and containers that there are: any surplus outlived what it was made for. */
export function leakFindings(
  held: Held,
  pods: readonly Pick<PodSandbox, "id" | "state">[],
  containers: readonly Pick<Container, "id">[],
): Finding[] {
  const ready = pods.filter(({ state }) => state === PodSandboxState.SANDBOX_READY);
  const short = new Set(pods.map(({ id }) => id.slice(0, shortIdLength)));
  const known = new Set([...pods, ...containers].map(({ id }) => id));
  const alive = new Set(ready.map(({ id }) => id));
  const unknown = (names: readonly string[], owners: ReadonlySet<string>) =>
    names.filter((name) => !owners.has(name));
  const most = descriptorsOfItself + descriptorsOfPod * (pods.length + containers.length);
  return [
    finding("pod directories", held.podDirectories, unknown(held.podDirectories, short)),
    finding("container directories", held.containerDirectories, unknown(held.containerDirectories, known)),
    finding("cgroups", held.cgroups, unknown(held.cgroups, known)),
    finding("monitor processes", held.monitors, unknown(held.monitors, alive)),
    finding(
      "mounts",
      held.mounts,
      held.mounts.filter((point) => !isOf(point, known, short)),
    ),
    finding(
      "network interfaces",
      held.veths,
      held.veths.filter((name) => !ready.some(({ id }) => id.startsWith(name.slice(2)))),
    ),
    {
      what: "daemon's descriptors",
      ok: held.descriptors <= most,
      essential: false,
      detail: `${held.descriptors} for ${pods.length} pods and ${containers.length} containers`,
      mend: "",
    },
  ];
}

function isOf(point: string, ids: ReadonlySet<string>, shortIds: ReadonlySet<string>): boolean {
  return point.split("/").some((part) => ids.has(part) || shortIds.has(part));
}

function finding(what: string, all: readonly string[], leaked: readonly string[]): Finding {
  const few = leaked.slice(0, 3).join(", ");
  return {
    what,
    ok: leaked.length === 0,
    essential: false,
    detail:
      leaked.length === 0
        ? `${all.length}, each with an owner`
        : `${leaked.length} of ${all.length} without an owner: ${few}${leaked.length > 3 ? ", …" : ""}`,
    mend: leaked.length === 0 ? "" : "lichen serve (a restart removes what belongs to nothing)",
  };
}

function monitors(namespace: string): string[] {
  if (namespace === "") return [];
  return entries("/proc")
    .filter((name) => /^\d+$/.test(name) && namespaceOf(Number(name)) === namespace)
    .map((pid) => text(`/proc/${pid}/cmdline`).split("\0"))
    .filter(([program = "", what]) => basename(program) === "lichen-monitor" && what === "pod")
    .map((command) => command[command.indexOf("--id") + 1] ?? "");
}

/** The pods of scopes in the slices of the user's systemd that hold a process of this node: another node's are there as well. */
function scopes(directory: string, namespace: string): string[] {
  return entries(directory)
    .filter((name) => name.endsWith(".slice") || scopePattern.test(name))
    .flatMap((name) => {
      const path = join(directory, name);
      const id = scopePattern.exec(name)?.[1];
      if (id === undefined) return scopes(path, namespace);
      return holdsProcessOf(path, namespace) ? [id] : [];
    });
}

function holdsProcessOf(scope: string, namespace: string): boolean {
  const pids = ["", ...entries(scope)].flatMap((leaf) => text(join(scope, leaf, "cgroup.procs")).split("\n"));
  return pids.some((pid) => pid !== "" && namespaceOf(Number(pid)) === namespace);
}

function namespaceOf(pid: number): string {
  return quietly(() => readlinkSync(`/proc/${pid}/ns/user`), "");
}

/** Every directory below that is named by an id. */
function below(directory: string): string[] {
  const found = quietly(() => readdirSync(directory, { withFileTypes: true }), []).filter((entry) =>
    entry.isDirectory(),
  );
  return found.flatMap(({ name }) => [
    ...(idPattern.test(name) ? [name] : []),
    ...below(join(directory, name)),
  ]);
}
