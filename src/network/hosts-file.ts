/** The name by which pods reach the machine's own loopback, where that is configured. */
const hostAlias = "host.lichen.internal";

/** /etc/hosts of a pod with a network of its own: loopback, its name at its addresses, and the host's alias where `host` is its address. */
export function hostsFile(hostname: string, addresses: readonly string[], host?: string): string {
  const loopback = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"];
  const own = hostname === "" ? [] : addresses.map((address) => `${address}\t${hostname}`);
  const alias = host === undefined ? [] : [`${host}\t${hostAlias}`];
  return `${[...loopback, ...own, ...alias].join("\n")}\n`;
}
