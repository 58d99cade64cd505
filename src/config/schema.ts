import { isIP, isIPv4, isIPv6 } from "node:net";
// The small form of zod: the whole one costs the daemon 2 MB.
import * as z from "zod/mini";
import { rlimitNames } from "../oci-runtime.ts";

// Every leaf's error says what is allowed; the key and the value are added by load.ts.
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.map((value) => JSON.stringify(value)).join(", ")}` });

const registry = { error: 'a registry as "host" or "host:port", without scheme or path' };
const registries = { error: 'a list of registries as "host" or "host:port"' };
const absolutePath = { error: "an absolute path" };
const subnet = { error: 'an IPv4 subnet of /8 to /28, as "10.210.0.0/16", host bits zero' };
const subtree = { error: '"auto", "none" or an absolute path' };
const subnet6 = { error: 'an IPv6 /64, as "fd00:1:2:3::/64", host bits zero' };
const trueOrFalse = { error: "true or false" };
const ipAddress = { error: "an IP address" };
const port = { error: "a whole number from 0 to 65535" };
const seconds = (least = 0) => {
  const wholeSeconds = { error: `whole seconds, from ${least} to a week` };
  return z.int(wholeSeconds).check(z.minimum(least, wholeSeconds), z.maximum(7 * 86_400, wholeSeconds));
};
const path = () => z.string(absolutePath).check(z.startsWith("/", absolutePath));
const references = { error: 'a list of image references; "*" at the end stands for any rest' };
const percent = { error: "a whole number from 0 to 100" };
const percentage = () => z.int(percent).check(z.minimum(0, percent), z.maximum(100, percent));
const directories = () =>
  z
    .array(z.string(absolutePath).check(z.startsWith("/", absolutePath)), {
      error: "a list of absolute paths",
    })
    .check(z.minLength(1, { error: "a list of at least one absolute path" }));
const connections = { error: "a whole number from 0 to 64" };
const stall = { error: "whole seconds, from 1 to 3600" };
const positive = { error: "a whole number from 1" };
const fileSize = { error: 'a size as "10MiB" (B, KiB, MiB or GiB); "0" for no limit' };
const fileCount = { error: "a whole number from 1 to 1000" };
const rlimit = { error: 'a text as "1024:4096" or "1024"' };
const rlimitMembers = Object.fromEntries(
  rlimitNames.map((name) => [
    name,
    z.optional(z.string(rlimit).check(z.regex(/^\d{1,15}(:\d{1,15})?$/, rlimit))),
  ]),
);
const streamCount = { error: "a whole number from 1 to 100000" };
const count = () => z.int(streamCount).check(z.minimum(1, streamCount), z.maximum(100_000, streamCount));
const workers = { error: "a whole number from 0 to 64" };

/** The configuration file. Unknown keys are errors: a mistyped key must not be a setting silently ignored. */
export const configSchema = z.strictObject({
  log: z.prefault(
    z.strictObject({
      level: z._default(oneOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"]), "info"),
    }),
    {},
  ),
  logs: z.prefault(
    z.strictObject({
      /** Size at which a container's log is rotated without a kubelet; "0": never. */
      max_size: z._default(
        z.pipe(z.string(fileSize).check(z.regex(/^\d{1,12}([KMG]iB|B)?$/, fileSize)), z.transform(bytesOf)),
        0,
      ),
      /** Files of a container's log that are kept, the one that is written to counted. */
      max_files: z._default(z.int(fileCount).check(z.minimum(1, fileCount), z.maximum(1000, fileCount)), 5),
    }),
    {},
  ),
  containers: z.prefault(
    z.strictObject({
      /** Resource limits (setrlimit(2)) of every container: NOFILE = "SOFT:HARD", or one number for both. */
      rlimits: z._default(z.strictObject(rlimitMembers), {}),
    }),
    {},
  ),
  cgroups: z.prefault(
    z.strictObject({
      /** A limit that the kernel gives no means to enforce: refuse the container, or start it and say so in Status. */
      missing: z._default(oneOf(["refuse", "warn"]), "refuse"),
      /** What RuntimeConfig tells a kubelet, and how it names pods' cgroups: as paths, or as slices of the user's systemd; `auto`: told paths, takes both. */
      driver: z._default(oneOf(["auto", "cgroupfs", "systemd"]), "auto"),
      /** The delegated subtree: `auto`, a child of the cgroup that lichen is started in; `none`; or the directory of one that holds no process. */
      subtree: z._default(
        z.string(subtree).check(z.refine((value) => /^(auto|none|\/.+)$/.test(value), subtree)),
        "auto",
      ),
    }),
    {},
  ),
  network: z.prefault(
    z.strictObject({
      /** The program that connects the node's network to the host's; `auto`: the best one installed. */
      uplink: z._default(oneOf(["auto", "pasta", "slirp4netns", "none"]), "auto"),
      /** What puts pods on a network: lichen's own bridge, CNI plugins, or nothing but loopback. */
      driver: z._default(oneOf(["bridge", "cni", "none"]), "bridge"),
      /** Where networks' files (*.conflist) are looked for; the first directory that has one holds. */
      cni_config_directories: z._default(directories(), ["/etc/cni/net.d"]),
      /** Where plugins' programs are looked for. */
      cni_plugin_directories: z._default(directories(), ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"]),
      /** A plugin that has not ended by then is killed. */
      cni_timeout_seconds: z._default(seconds(1), 60),
      /** From this file (containerd's conf_template) a network's file is made when the cluster tells the node's pod CIDR. */
      cni_template: z.optional(path()),
      /** The pods' addresses; another one beside it is taken when the host's own network overlaps. */
      subnet: z._default(z.string(subnet).check(z.refine(isSubnet, subnet)), "10.210.0.0/16"),
      /** Whether pods of the bridge have IPv6 addresses too, where the kernel has IPv6. */
      ipv6: z._default(z.boolean(trueOrFalse), true),
      /** Their IPv6 network; without it a random one that the node keeps. */
      subnet6: z.optional(z.string(subnet6).check(z.refine(isSubnet6, subnet6))),
      /** Keeps pods of the bridge from reaching each other. */
      isolate_pods: z._default(z.boolean(trueOrFalse), false),
      /** Lets pods reach this machine's own loopback, as `host.lichen.internal`. */
      host_loopback: z._default(z.boolean(trueOrFalse), false),
    }),
    {},
  ),
  streaming: z.prefault(
    z.strictObject({
      /** Where exec, attach and port-forward are served, in the namespaces and on the host; not loopback only with TLS. */
      address: z._default(
        z.string(ipAddress).check(z.refine((value) => isIP(value) > 0, ipAddress)),
        "127.0.0.1",
      ),
      /** 0: any free port. */
      port: z._default(z.int(port).check(z.minimum(0, port), z.maximum(65_535, port)), 0),
      /** After this long without a byte in either direction a connection is closed; 0: never. */
      idle_seconds: z._default(seconds(), 4 * 60 * 60),
      /** How long a command goes on whose client has gone, before it is killed. */
      exec_grace_seconds: z._default(seconds(), 5),
      /** Connections of clients at once, and streams open at once in one of them. */
      max_connections: z._default(count(), 2048),
      max_streams: z._default(count(), 2048),
      /** PEM files for https; with tls_client_ca only clients with a certificate of it are served. */
      tls_certificate: z.optional(path()),
      tls_key: z.optional(path()),
      tls_client_ca: z.optional(path()),
    }),
    {},
  ),
  metrics: z.prefault(
    z.strictObject({
      /** Where Prometheus finds the daemon's own figures at /metrics, in the namespaces and on the host. */
      address: z._default(
        z.string(ipAddress).check(z.refine((value) => isIP(value) > 0, ipAddress)),
        "127.0.0.1",
      ),
      /** 0: nowhere. */
      port: z._default(z.int(port).check(z.minimum(0, port), z.maximum(65_535, port)), 0),
    }),
    {},
  ),
  images: z.prefault(
    z
      .strictObject({
        /**
         * Registry mirrors in containerd's form, `<host>/hosts.toml`; the first directory that has a host wins. Without it: certs.d beside
         * this file, then those of podman, containerd and docker.
         */
        certs_directories: z.optional(
          z.array(z.string(absolutePath).check(z.startsWith("/", absolutePath)), {
            error: "a list of absolute paths",
          }),
        ),
        /** Registries spoken to in plain HTTP. Loopback addresses always are. */
        plain_http: z._default(
          z.array(z.string(registry).check(z.regex(/^[A-Za-z0-9.\-[\]:]+$/, registry)), registries),
          [],
        ),
        /** Layers unpacked at the same time; 0: the number of cores. */
        workers: z._default(z.int(workers).check(z.minimum(0, workers), z.maximum(64, workers)), 0),
        /** Layers fetched from one registry at the same time, over all pulls; 0: no limit. */
        connections_per_registry: z._default(
          z.int(connections).check(z.minimum(0, connections), z.maximum(64, connections)),
          6,
        ),
        /** A registry that sends nothing for so long counts as gone. How long a pull takes in all is not limited. */
        stall_seconds: z._default(z.int(stall).check(z.minimum(1, stall), z.maximum(3600, stall)), 30),
        /** Device nodes of layers, which no unprivileged user can make: leave out, record for others' tools, or refuse the image. */
        devices: z._default(oneOf(["skip", "record", "refuse"]), "skip"),
        /** What one layer may unpack to; more is taken for a decompression bomb. */
        max_layer_bytes: z._default(z.int(positive).check(z.minimum(1, positive)), 32 * 2 ** 30),
        max_layer_entries: z._default(z.int(positive).check(z.minimum(1, positive)), 5_000_000),
        /** Images that are removed only by name: never to free space. */
        pinned: z._default(z.array(z.string(references), references), []),
        /** The signature policy, a containers-policy.json(5); default that of the user or of the machine, if there is one. */
        policy: z.optional(path()),
        /** When the disk is fuller than this, images that no container uses are removed; 0: never. */
        gc_high_percent: z._default(percentage(), 0),
        /** How far: oldest last use first, until the disk is no fuller than this. */
        gc_low_percent: z._default(percentage(), 80),
      })
      .check(
        z.refine(({ gc_high_percent: high, gc_low_percent: low }) => high === 0 || low < high, {
          error: "less than gc_high_percent",
          path: ["gc_low_percent"],
        }),
      ),
    {},
  ),
});

function bytesOf(text: string): number {
  const [, number, unit = "B"] = /^(\d+)(\w*)$/.exec(text) ?? [];
  const powers: Record<string, number> = { KiB: 1, MiB: 2, GiB: 3 };
  return Number(number) * 1024 ** (powers[unit] ?? 0);
}

export type Config = z.infer<typeof configSchema>;

function isSubnet6(value: string): boolean {
  const network = /^([0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,3}::)\/64$/i.exec(value)?.[1];
  return network !== undefined && isIPv6(network);
}

function isSubnet(value: string): boolean {
  const [address = "", prefix = "", ...rest] = value.split("/");
  if (rest.length > 0 || !isIPv4(address) || !/^\d{1,2}$/.test(prefix)) return false;
  const length = Number(prefix);
  if (length < 8 || length > 28) return false;
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return number % 2 ** (32 - length) === 0;
}
