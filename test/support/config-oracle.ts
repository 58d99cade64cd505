import { posix } from "node:path";
import { accounts, type Inspection } from "../fixtures/image-inspector.ts";
import type { Wish } from "./random-config.ts";

// What a container must have got for what was wished, said once more and without lichen's own code.

/** <linux/capability.h>, as far as the wishes name them. */
const numbers: Record<string, number> = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  KILL: 5,
  NET_BIND_SERVICE: 10,
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_TIME: 25,
};
/** The fourteen that every runtime gives: "00000000a80425fb" in /proc/PID/status. */
const usual = 0xa80425fbn;
const bit = (number: number) => 1n << BigInt(number);
const EACCES = 13;
const EROFS = 30;

const plain = (name: string) => name.toUpperCase().replace("CAP_", "");
const named = (names: string[]) =>
  names
    .map(plain)
    .filter((name) => name !== "ALL")
    .reduce((set, name) => set | bit(numbers[name] ?? 63), 0n);
const hasAll = (names: string[]) => names.map(plain).includes("ALL");

/** What the node is like: not wished, but there. */
export interface Surroundings {
  lastCapability: number;
  oomScoreAdj: number;
  hostname: string;
  openFiles: number[];
  portStart: string;
  /** Namespaces of the pod's monitor. */
  pod: Record<string, string>;
}

export interface Expectation {
  uids: number[];
  gids: number[];
  groups: number[];
  cwd: string;
  hostname: string;
  env: Record<string, string>;
  words: string[];
  oomScoreAdj: number;
  openFiles: number[];
  portStart: string;
  umask: number;
  firstProcess: boolean;
  capabilities: Record<"Inh" | "Prm" | "Eff" | "Bnd" | "Amb", string>;
  noNewPrivileges: string;
  seccomp: string;
  shared: string[];
  own: string[];
  mounts: Record<string, string>;
  probes: Record<string, number>;
}

function identity(wish: Wish): { uid: number; gid: number; groups: number[]; home: string } {
  const { users, groups } = accounts;
  const asked = wish.user ?? { uid: 0 };
  const account = users.find((one) => ("uid" in asked ? one.uid === asked.uid : one.name === asked.name));
  const uid = account?.uid ?? ("uid" in asked ? asked.uid : -1);
  const gid = wish.group ?? account?.gid ?? 0;
  const joined =
    wish.strict || !account ? [] : groups.filter(({ members }) => members.includes(account.name));
  const all = new Set([gid, ...joined.map((group) => group.gid), ...wish.supplemental]);
  return { uid, gid, groups: [...all].sort((a, b) => a - b), home: account?.home ?? "/" };
}

function capabilities(wish: Wish, uid: number, last: number) {
  const every = bit(last + 1) - 1n;
  const added = [...wish.add, ...wish.ambient];
  let granted = hasAll(wish.add) ? every : usual;
  if (hasAll(wish.drop)) granted = 0n;
  granted = (granted | named(added)) & ~named(wish.drop);
  if (wish.privileged) granted = every;
  const ambient = named(wish.ambient) & granted;
  const effective = uid === 0 ? granted : ambient;
  const hex = (set: bigint) => set.toString(16).padStart(16, "0");
  return {
    effective,
    sets: {
      Inh: hex(ambient),
      Prm: hex(effective),
      Eff: hex(effective),
      Bnd: hex(granted),
      Amb: hex(ambient),
    },
  };
}

/** What of the container's root a probe tells; `argumentsOf` names them. */
function probes(wish: Wish, effective: bigint): Record<string, number> {
  const protects = !wish.privileged;
  const readonlyTmp = wish.readonlyRoot || (wish.readonlyTmp && protects);
  const rootWritable = effective & bit(numbers.DAC_OVERRIDE ?? 0) ? 0 : EACCES;
  const { uid } = identity(wish);
  const found: Record<string, number> = {
    "w:/": wish.readonlyRoot ? EROFS : uid === 0 ? 0 : rootWritable,
    "w:/tmp": readonlyTmp ? EROFS : 0,
    "w:/dev/shm": 0,
  };
  for (const { path, access } of wish.mounts) {
    const place = posix.normalize(path);
    const below = place.startsWith("/tmp/") && wish.readonlyTmp && protects;
    found[`w:${place}`] = access === "rw" && !below ? 0 : EROFS;
  }
  if (wish.masked) found["r:/etc/group"] = protects ? 0 : -1;
  return found;
}

export const probesOf = (wish: Wish): string[] => Object.keys(probes(wish, 0n));

export function expected(wish: Wish, around: Surroundings): Expectation {
  const { uid, gid, groups, home } = identity(wish);
  const { effective, sets } = capabilities(wish, uid, around.lastCapability);
  return {
    uids: [uid, uid, uid],
    gids: [gid, gid, gid],
    groups,
    cwd: posix.normalize(wish.directory || "/"),
    hostname: around.hostname,
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOSTNAME: around.hostname,
      IMAGE: "yes",
      BOTH: "image",
      HOME: home,
      ...wish.env,
    },
    words: wish.words,
    // Nobody without privilege goes below what the daemon itself has.
    oomScoreAdj: Math.max(wish.oomScoreAdj ?? around.oomScoreAdj, around.oomScoreAdj),
    openFiles: around.openFiles,
    portStart: around.portStart,
    umask: 0o022,
    firstProcess: wish.pid === "container",
    capabilities: sets,
    noNewPrivileges: wish.noNewPrivileges ? "1" : "0",
    seccomp: wish.seccomp === "default" && !wish.privileged ? "2" : "0",
    // The monitor stays in the node's user namespace.
    shared: ["net", "ipc", "uts", ...(wish.ownUsers ? [] : ["user"])],
    own: ["mnt", "cgroup"],
    mounts: Object.fromEntries(
      wish.mounts.map(({ path, access, slave }) => [
        posix.normalize(path),
        slave && access !== "rro" ? "slave" : "private",
      ]),
    ),
    probes: probes(wish, effective),
  };
}

/** The same things as the container tells them. */
export function told(inspection: Inspection, wish: Wish, around: Surroundings): Expectation {
  const status = (key: string) => new RegExp(`^${key}:\\s*(\\S+)`, "m").exec(inspection.status)?.[1] ?? "";
  const namespaces = Object.entries(inspection.namespaces);
  const places = new Set(wish.mounts.map(({ path }) => posix.normalize(path)));
  const mounts = inspection.mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , , , place]) => place !== undefined && places.has(place))
    .map((fields) => {
      const optional = fields.slice(6, fields.indexOf("-")).join(" ");
      const kind = optional.includes("shared:")
        ? "shared"
        : optional.includes("master:")
          ? "slave"
          : "private";
      return [fields[4] as string, kind] as const;
    });
  const env = inspection.env.map((variable) => {
    const at = variable.indexOf("=");
    return [variable.slice(0, at), variable.slice(at + 1)] as const;
  });
  return {
    uids: inspection.uids,
    gids: inspection.gids,
    groups: [...new Set(inspection.groups)].sort((a, b) => a - b),
    cwd: inspection.cwd,
    hostname: inspection.hostname,
    env: Object.fromEntries(env),
    words: inspection.args.slice(1).filter((word) => !/^[rw]:/.test(word)),
    oomScoreAdj: Number(inspection.oomScoreAdj),
    openFiles: inspection.openFiles,
    portStart: inspection.portStart.trim(),
    umask: inspection.umask,
    firstProcess: inspection.pid === 1,
    capabilities: {
      Inh: status("CapInh"),
      Prm: status("CapPrm"),
      Eff: status("CapEff"),
      Bnd: status("CapBnd"),
      Amb: status("CapAmb"),
    },
    noNewPrivileges: status("NoNewPrivs"),
    seccomp: status("Seccomp"),
    shared: ["net", "ipc", "uts", "user"].filter((name) => inspection.namespaces[name] === around.pod[name]),
    own: namespaces
      .filter(([name, id]) => /mnt|cgroup/.test(name) && id !== around.pod[name])
      .map(([name]) => name)
      .sort()
      .reverse(),
    mounts: Object.fromEntries(mounts),
    probes: {
      ...inspection.probes,
      ...((inspection.probes["r:/etc/group"] ?? 0) > 0 ? { "r:/etc/group": -1 } : {}),
    },
  };
}
