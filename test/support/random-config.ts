import fc from "fast-check";
import {
  type ContainerConfig,
  MountPropagation,
  NamespaceMode,
  type Outgoing,
  SecurityProfileProfileType,
  SupplementalGroupsPolicy,
} from "#cri";

/** What a container is asked to be, in plain terms: the generator makes it, `toConfig` says it in CRI's words, the oracle reads it. */
export interface Wish {
  user: { uid: number } | { name: string } | undefined;
  group: number | undefined;
  supplemental: number[];
  strict: boolean;
  add: string[];
  drop: string[];
  ambient: string[];
  privileged: boolean;
  readonlyRoot: boolean;
  noNewPrivileges: boolean;
  seccomp: "nothing" | "default" | "unconfined";
  masked: boolean;
  readonlyTmp: boolean;
  mounts: { path: string; of: "directory" | "file"; access: "rw" | "ro" | "rro"; slave: boolean }[];
  env: Record<string, string>;
  directory: string;
  words: string[];
  oomScoreAdj: number | undefined;
  pid: "pod" | "container";
  /** In a pod with a user namespace of its own. */
  ownUsers: boolean;
  /** Something that cannot be, and how it must be refused. */
  wrong: Wrong | undefined;
}

/** A mistake put into a configuration that is right otherwise. */
export interface Wrong {
  what: string;
  code: "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "UNIMPLEMENTED" | "NOT_FOUND";
  spoil: (config: Outgoing<ContainerConfig>) => void;
}

const security = (config: Outgoing<ContainerConfig>) => config.linux!.securityContext!;
const wrongs: Wrong[] = [
  {
    what: "a user beyond the map",
    code: "FAILED_PRECONDITION",
    spoil: (c) => Object.assign(security(c), { runAsUser: { value: 4_000_000 } }),
  },
  {
    what: "a negative user",
    code: "INVALID_ARGUMENT",
    spoil: (c) => Object.assign(security(c), { runAsUser: { value: -1 } }),
  },
  {
    what: "a group beyond the map",
    code: "FAILED_PRECONDITION",
    spoil: (c) => Object.assign(security(c), { supplementalGroups: [4_000_000] }),
  },
  {
    what: "an unknown capability",
    code: "INVALID_ARGUMENT",
    spoil: (c) => Object.assign(security(c), { capabilities: { addCapabilities: ["CAP_EVERYTHING"] } }),
  },
  {
    what: "a relative working directory",
    code: "INVALID_ARGUMENT",
    spoil: (c) => Object.assign(c, { workingDir: "tmp" }),
  },
  {
    what: "a relative container path",
    code: "INVALID_ARGUMENT",
    spoil: (c) => Object.assign(c, { mounts: [{ hostPath: "/tmp", containerPath: "relative" }] }),
  },
  {
    what: "a mount over the root",
    code: "INVALID_ARGUMENT",
    spoil: (c) => Object.assign(c, { mounts: [{ hostPath: "/tmp", containerPath: "/x/.." }] }),
  },
  {
    what: "recursive read-only without read-only",
    code: "INVALID_ARGUMENT",
    spoil: (c) =>
      Object.assign(c, { mounts: [{ hostPath: "/tmp", containerPath: "/x", recursiveReadOnly: true }] }),
  },
  {
    what: "a variable without a name",
    code: "INVALID_ARGUMENT",
    spoil: (c) => Object.assign(c, { envs: [{ key: "", value: Buffer.from("x") }] }),
  },
  {
    what: "an argument with NUL",
    code: "INVALID_ARGUMENT",
    spoil: (c) => Object.assign(c, { args: ["a\0b"] }),
  },
  {
    what: "a device that is not there",
    code: "INVALID_ARGUMENT",
    spoil: (c) =>
      Object.assign(c, {
        devices: [{ hostPath: "/dev/nothing", containerPath: "/dev/x", permissions: "rwm" }],
      }),
  },
  {
    what: "a seccomp profile that is not there",
    code: "FAILED_PRECONDITION",
    spoil: (c) => {
      Object.assign(security(c), {
        privileged: false,
        seccomp: { profileType: SecurityProfileProfileType.Localhost, localhostRef: "/nowhere.json" },
      });
    },
  },
  {
    what: "the node's processes in a pod of its own",
    code: "FAILED_PRECONDITION",
    spoil: (c) => Object.assign(security(c), { namespaceOptions: { pid: NamespaceMode.NODE } }),
  },
  {
    what: "SELinux labels",
    code: "FAILED_PRECONDITION",
    spoil: (c) =>
      Object.assign(security(c), { selinuxOptions: { user: "", role: "", type: "spc_t", level: "" } }),
  },
];

const capability = fc.constantFrom(
  "ALL",
  "KILL",
  "CAP_NET_ADMIN",
  "sys_time",
  "CHOWN",
  "NET_BIND_SERVICE",
  "DAC_OVERRIDE",
);
const some = <T>(one: fc.Arbitrary<T>, maxLength = 3) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<T[]>([]) },
    { weight: 1, arbitrary: fc.uniqueArray(one, { maxLength }) },
  );
const rarely = fc.oneof(
  { weight: 4, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);
const id = fc.constantFrom(0, 1, 1000, 2000, 2001, 65_535);

const who = fc.oneof(
  fc.constant({ user: undefined, group: undefined }),
  fc.record({ user: fc.record({ uid: id }), group: fc.option(id, { nil: undefined }) }),
  fc.record({
    user: fc.record({ name: fc.constantFrom("root", "app", "lonely") }),
    group: fc.option(id, { nil: undefined }),
  }),
);

export const wishes: fc.Arbitrary<Wish> = fc
  .record({
    who,
    supplemental: some(id),
    strict: fc.boolean(),
    add: some(capability),
    drop: some(capability),
    ambient: some(fc.constantFrom("NET_BIND_SERVICE", "CAP_NET_RAW", "DAC_OVERRIDE"), 2),
    privileged: rarely,
    readonlyRoot: rarely,
    noNewPrivileges: fc.boolean(),
    seccomp: fc.constantFrom("nothing" as const, "default" as const, "unconfined" as const),
    masked: rarely,
    readonlyTmp: rarely,
    mounts: fc.uniqueArray(
      fc.record({
        path: fc.constantFrom("/volume", "/a/b/c", "/tmp/in", "/etc/extra", "/a/../d"),
        of: fc.constantFrom("directory" as const, "file" as const),
        access: fc.constantFrom("rw" as const, "ro" as const, "rro" as const),
        slave: fc.boolean(),
      }),
      { maxLength: 3, selector: ({ path }) => path },
    ),
    env: fc.dictionary(
      fc.stringMatching(/^[A-Z_]{1,8}$/),
      fc.string({ maxLength: 12 }).map((s) => s.replaceAll("\0", "")),
      {
        maxKeys: 3,
      },
    ),
    directory: fc.constantFrom("", "/tmp", "/made/for/it", "/etc/../etc"),
    words: fc.array(
      fc.string({ maxLength: 8 }).map((s) => `x${s.replaceAll("\0", "")}`),
      { maxLength: 3 },
    ),
    oomScoreAdj: fc.option(fc.constantFrom(-1000, -1, 0, 1, 500, 1000), { nil: undefined }),
    pid: fc.constantFrom("pod" as const, "container" as const),
    ownUsers: rarely,
    wrong: fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...wrongs) },
    ),
  })
  .map(({ who: { user, group }, ...rest }) => ({ ...rest, user, group }));

/** `sources`: a directory and a file of the node, to be mounted. */
export function toConfig(
  wish: Wish,
  sources: Record<"directory" | "file", string>,
): Outgoing<ContainerConfig> {
  const { user } = wish;
  const config: Outgoing<ContainerConfig> = {
    args: wish.words,
    envs: Object.entries(wish.env).map(([key, value]) => ({ key, value: Buffer.from(value) })),
    workingDir: wish.directory,
    mounts: wish.mounts.map(({ path, of, access, slave }) => ({
      containerPath: path,
      hostPath: sources[of],
      readonly: access !== "rw",
      recursiveReadOnly: access === "rro",
      propagation:
        slave && access !== "rro"
          ? MountPropagation.PROPAGATION_HOST_TO_CONTAINER
          : MountPropagation.PROPAGATION_PRIVATE,
    })),
    linux: {
      ...(wish.oomScoreAdj === undefined ? {} : { resources: { oomScoreAdj: wish.oomScoreAdj } }),
      securityContext: {
        ...(user !== undefined && "uid" in user ? { runAsUser: { value: user.uid } } : {}),
        ...(user !== undefined && "name" in user ? { runAsUsername: user.name } : {}),
        ...(wish.group === undefined ? {} : { runAsGroup: { value: wish.group } }),
        supplementalGroups: wish.supplemental,
        supplementalGroupsPolicy: wish.strict
          ? SupplementalGroupsPolicy.Strict
          : SupplementalGroupsPolicy.Merge,
        capabilities: {
          addCapabilities: wish.add,
          dropCapabilities: wish.drop,
          addAmbientCapabilities: wish.ambient,
        },
        privileged: wish.privileged,
        readonlyRootfs: wish.readonlyRoot,
        noNewPrivs: wish.noNewPrivileges,
        ...(wish.seccomp === "nothing"
          ? {}
          : {
              seccomp: {
                profileType:
                  wish.seccomp === "default"
                    ? SecurityProfileProfileType.RuntimeDefault
                    : SecurityProfileProfileType.Unconfined,
                localhostRef: "",
              },
            }),
        maskedPaths: wish.masked ? ["/etc/group", "/etc/not-there"] : [],
        readonlyPaths: wish.readonlyTmp ? ["/tmp"] : [],
        namespaceOptions: { pid: wish.pid === "pod" ? NamespaceMode.POD : NamespaceMode.CONTAINER },
      },
    },
  };
  wish.wrong?.spoil(config);
  return config;
}
