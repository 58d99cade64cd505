import { join } from "node:path";
import { CniNetwork } from "./cni/driver.ts";
import type { NetworkDriver } from "./driver.ts";
import { NoNetwork } from "./none.ts";

/** The part of the configuration that chooses the pods' network. */
export interface PodNetworkConfig {
  driver: "bridge" | "cni" | "none";
  cni_config_directories: readonly string[];
  cni_plugin_directories: readonly string[];
  cni_timeout_seconds: number;
  cni_template?: string | undefined;
}

/** The pods' network as configured, other than the built-in bridge; undefined when it is that. */
export function configuredNetwork(
  config: PodNetworkConfig,
  dataDir: string,
  log: { warn(fields: object, message: string): void },
): NetworkDriver | undefined {
  if (config.driver === "bridge") return undefined;
  if (config.driver === "none") return new NoNetwork();
  return new CniNetwork({
    configDirectories: config.cni_config_directories,
    pluginDirectories: config.cni_plugin_directories,
    timeoutMs: config.cni_timeout_seconds * 1000,
    template: config.cni_template,
    directory: join(dataDir, "cni"),
    log,
  });
}
