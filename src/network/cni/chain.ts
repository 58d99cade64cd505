import { asLichenError, LichenError } from "../../errors.ts";
import { type NetworkList, type PluginConfig, speaks } from "./network-list.ts";
import { type CniCommand, callPlugin, findPlugin, type PluginCall, type PluginHost } from "./plugin.ts";

/** A pod's place on a network. */
export interface Attachment {
  containerId: string;
  /** A path that leads to the pod's network namespace; "" when it is gone. */
  netns: string;
  ifname: string;
  args: string;
  /** By capability: what a plugin gets as `runtimeConfig` when it asks for it. */
  capabilities: Readonly<Record<string, unknown>>;
}

/** Where plugins that keep files may write, since their own defaults (/var/lib/cni, /run) are root's. */
export interface PluginState {
  directory: string;
}

/**
 * ADD through the whole list, each plugin getting the result of the one before; answers the last result. When one fails, DEL is run
 * through the list before the failure is thrown, so that nothing stays behind.
 */
export async function addNetwork(
  list: NetworkList,
  pod: Attachment,
  host: PluginHost,
  state: PluginState,
): Promise<object> {
  let result: object = {};
  try {
    for (const [i, plugin] of list.plugins.entries()) {
      const previous = i === 0 ? undefined : result;
      const answer = await call("ADD", list, plugin, pod, host, state, previous);
      if (typeof answer !== "object" || answer === null) throw noResult(plugin.type);
      result = answer;
    }
    return result;
  } catch (error) {
    await deleteNetwork(list, pod, host, state, undefined).catch(() => {
      // The first failure tells more; what DEL could not undo the next garbage collection may.
    });
    throw error;
  }
}

/**
 * DEL through the list from its end, with the cached result of the ADD where there is one. Every plugin is called, whatever the
 * others say; the first failure is thrown in the end.
 */
export async function deleteNetwork(
  list: NetworkList,
  pod: Attachment,
  host: PluginHost,
  state: PluginState,
  result: object | undefined,
): Promise<void> {
  let first: unknown;
  const previous = speaks(list.cniVersion, "0.4.0") ? result : undefined;
  for (const plugin of list.plugins.toReversed()) {
    try {
      await call("DEL", list, plugin, pod, host, state, previous);
    } catch (error) {
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
}

/** CHECK through the list (since 0.4.0): throws what the first plugin says that finds the pod's network damaged. */
export async function checkNetwork(
  list: NetworkList,
  pod: Attachment,
  host: PluginHost,
  state: PluginState,
  result: object,
): Promise<void> {
  if (list.disableCheck || !speaks(list.cniVersion, "0.4.0")) return;
  for (const plugin of list.plugins) await call("CHECK", list, plugin, pod, host, state, result);
}

/** GC (since 1.1.0): every plugin may drop what belongs to none of these attachments. The first failure is thrown in the end. */
export async function collectNetwork(
  list: NetworkList,
  valid: readonly Pick<Attachment, "containerId" | "ifname">[],
  host: PluginHost,
  state: PluginState,
): Promise<void> {
  if (list.disableGc || !speaks(list.cniVersion, "1.1.0")) return;
  const attachments = valid.map(({ containerId, ifname }) => ({ containerID: containerId, ifname }));
  let first: unknown;
  for (const plugin of list.plugins) {
    // The older name of the member is still read by plugins of that time.
    const members = { "cni.dev/valid-attachments": attachments, "cni.dev/attachments": attachments };
    const config = { ...configFor(list, plugin, state), ...members };
    await callPlugin(plugin.type, config, { command: "GC" }, host).catch((error) => {
      first ??= error;
    });
  }
  if (first !== undefined) throw first;
}

/** Why pods cannot be put on the network now; undefined when they can. Before 1.1.0 plugins can only be there or not. */
export async function networkStatus(
  list: NetworkList,
  host: PluginHost,
  state: PluginState,
): Promise<LichenError | undefined> {
  try {
    for (const plugin of list.plugins) {
      if (!speaks(list.cniVersion, "1.1.0")) findPlugin(plugin.type, host.directories);
      else await callPlugin(plugin.type, configFor(list, plugin, state), { command: "STATUS" }, host);
    }
    return undefined;
  } catch (error) {
    return asLichenError(error);
  }
}

function call(
  command: CniCommand,
  list: NetworkList,
  plugin: PluginConfig,
  pod: Attachment,
  host: PluginHost,
  state: PluginState,
  previous: object | undefined,
): Promise<unknown> {
  const wanted = Object.entries(pod.capabilities).filter(([name]) => plugin.capabilities.includes(name));
  const config = {
    ...configFor(list, plugin, state),
    ...(wanted.length > 0 ? { runtimeConfig: Object.fromEntries(wanted) } : {}),
    ...(previous === undefined ? {} : { prevResult: previous }),
  };
  const { containerId, netns, ifname, args } = pod;
  const parameters: PluginCall = { command, containerId, netns, ifname, args };
  return callPlugin(plugin.type, config, parameters, host);
}

/** The plugin's own configuration as it is sent to it (CNI spec, section 3, "Deriving request configuration"). */
function configFor(list: NetworkList, plugin: PluginConfig, state: PluginState): Record<string, unknown> {
  const { capabilities: _, ...config } = plugin.config;
  return { ...withStateDirectory(config, state), name: list.name, cniVersion: list.cniVersion };
}

/** host-local and flannel keep files in a directory of their configuration, by default one below /var/lib/cni. */
function withStateDirectory(config: Record<string, unknown>, state: PluginState): Record<string, unknown> {
  const { type, ipam } = config;
  if (type === "flannel") return { dataDir: `${state.directory}/flannel`, ...config };
  if (typeof ipam !== "object" || ipam === null || !("type" in ipam) || ipam.type !== "host-local")
    return config;
  return { ...config, ipam: { dataDir: `${state.directory}/networks`, ...ipam } };
}

function noResult(plugin: string): LichenError {
  return new LichenError({
    code: "INTERNAL",
    operation: "CNI ADD by",
    object: plugin,
    reason: "it printed no result",
    hint: "the plugin is broken, or the program of that name is no CNI plugin",
  });
}
