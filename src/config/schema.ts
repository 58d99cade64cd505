import { isIPv4 } from "node:net";
import * as z from "zod";

// Every leaf's error says what is allowed; the key and the value are added by load.ts.
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.map((value) => JSON.stringify(value)).join(", ")}` });

const host = z.string({ error: 'a registry as "host" or "host:port"' }).regex(/^[A-Za-z0-9.\-[\]:]+$/, {
  error: 'a registry as "host" or "host:port", without scheme or path',
});

const whole = (minimum: number, maximum: number) => {
  const error = `a whole number from ${minimum} to ${maximum}`;
  return z.int({ error }).min(minimum, { error }).max(maximum, { error });
};

/** The configuration file. Unknown keys are errors: a mistyped key must not be a setting silently ignored. */
export const configSchema = z.strictObject({
  log: z
    .strictObject({
      level: oneOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    })
    .prefault({}),
  cgroups: z
    .strictObject({
      /** A limit that the kernel gives no means to enforce: refuse the container, or start it and say so in Status. */
      missing: oneOf(["refuse", "warn"]).default("refuse"),
    })
    .prefault({}),
  network: z
    .strictObject({
      /** The program that connects the node's network to the host's; `auto`: the best one installed. */
      uplink: oneOf(["auto", "pasta", "slirp4netns", "none"]).default("auto"),
      /** The pods' addresses; another one beside it is taken when the host's own network overlaps. */
      subnet: z
        .string({ error: 'an IPv4 subnet as "10.210.0.0/16"' })
        .refine(isSubnet, { error: 'an IPv4 subnet of /8 to /28, as "10.210.0.0/16", host bits zero' })
        .default("10.210.0.0/16"),
    })
    .prefault({}),
  images: z
    .strictObject({
      /** Registry mirrors in containerd's form, `<host>/hosts.toml`; the first directory that has a host wins. */
      certs_directories: z
        .array(z.string({ error: "an absolute path" }).startsWith("/", { error: "an absolute path" }), {
          error: "a list of absolute paths",
        })
        .optional(),
      /** Registries spoken to in plain HTTP. Loopback addresses always are. */
      plain_http: z.array(host, { error: 'a list of registries as "host" or "host:port"' }).default([]),
      /** Layers unpacked at the same time; 0: the number of cores. */
      workers: whole(0, 64).default(0),
    })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;

function isSubnet(value: string): boolean {
  const [address = "", prefix = "", ...rest] = value.split("/");
  if (rest.length > 0 || !isIPv4(address) || !/^\d{1,2}$/.test(prefix)) return false;
  const length = Number(prefix);
  if (length < 8 || length > 28) return false;
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return number % 2 ** (32 - length) === 0;
}
