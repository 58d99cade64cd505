/** /etc/hosts of a pod with a network of its own: loopback, and its name at its addresses. */
export function hostsFile(hostname: string, addresses: readonly string[]): string {
  const loopback = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"];
  const own = hostname === "" ? [] : addresses.map((address) => `${address}\t${hostname}`);
  return `${[...loopback, ...own].join("\n")}\n`;
}
