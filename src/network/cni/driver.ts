import { join } from "node:path";
import type { PodSandboxConfig } from "#cri";
import { asLichenError, explain, LichenError } from "../../errors.ts";
import type {
  Attachment,
  NetworkDriver,
  NetworkRequest,
  NetworkState,
  PodNamespace,
  Preparation,
} from "../driver.ts";
import { AttachmentCache, type CachedAttachment } from "./attachments.ts";
import {
  addNetwork,
  checkNetwork,
  collectNetwork,
  deleteNetwork,
  networkStatus,
  type PluginState,
} from "./chain.ts";
import { loadNetwork } from "./network-list.ts";
import { findPlugin, type PluginHost } from "./plugin.ts";
import { capabilitiesOf, checkParameters, cniArgs, requireTaken } from "./pod-parameters.ts";
import { readResult } from "./result.ts";
import { writeFromTemplate } from "./template-file.ts";

export interface CniOptions {
  /** Where networks' files are looked for, in this order. */
  configDirectories: readonly string[];
  pluginDirectories: readonly string[];
  timeoutMs: number;
  /** The file from which a network's file is made when the cluster tells the node's pod CIDR; undefined for none. */
  template?: string | undefined;
  /** `<data dir>/cni`: attachments, and what plugins keep. */
  directory: string;
  log: { warn(fields: object, message: string): void };
}

const ifname = "eth0";
/** A state that was asked of the plugins longer ago is asked anew, in the background. */
const freshMs = 1000;

/**
 * Pods on a network that CNI plugins make (CNI spec 0.1 to 1.1). Plugins run as the node's root, in the node's namespaces, and find the
 * pod's by its path. The network's file is read anew for every pod; a pod is taken off the network that it was put on.
 */
export class CniNetwork implements NetworkDriver {
  readonly #options: CniOptions;
  readonly #host: PluginHost;
  readonly #plugins: PluginState;
  readonly #cache: AttachmentCache;
  #state: NetworkState = {
    ready: false,
    reason: "NetworkNotAsked",
    message: "plugins have not been asked yet",
  };
  #askedAt = 0;
  #asking: Promise<void> | undefined;

  constructor(options: CniOptions) {
    this.#options = options;
    this.#plugins = { directory: join(options.directory, "plugins") };
    this.#host = {
      directories: options.pluginDirectories,
      timeoutMs: options.timeoutMs,
      // iptables' own place, below /run, is root's.
      environment: { XTABLES_LOCKFILE: join(options.directory, "xtables.lock") },
    };
    this.#cache = new AttachmentCache(join(options.directory, "attachments"));
  }

  /** What the plugins said last; they are asked again behind the scenes. */
  state(): NetworkState {
    if (Date.now() - this.#askedAt > freshMs) void this.refresh();
    return this.#state;
  }

  /** Asks the plugins now, or joins who does. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const list = loadNetwork(this.#options.configDirectories);
      const trouble = await networkStatus(list, this.#host, this.#plugins);
      this.#state =
        trouble === undefined
          ? { ready: true, reason: "", message: "" }
          : notReady("PluginNotReady", trouble);
    } catch (error) {
      this.#state = notReady("NetworkNotConfigured", asLichenError(error));
    }
    this.#askedAt = Date.now();
  }

  check(config: PodSandboxConfig): void {
    checkParameters(config);
  }

  /** A network that lacks a plugin, or one for what the pod asks, is refused here, where nothing has to be undone. */
  async prepare({ sandboxId, config }: NetworkRequest): Promise<Preparation> {
    const network = loadNetwork(this.#options.configDirectories);
    for (const { type } of network.plugins) findPlugin(type, this.#host.directories);
    const capabilities = capabilitiesOf(config);
    requireTaken(capabilities, network);
    this.#cache.save({ sandboxId, ifname, args: cniArgs(sandboxId, config), capabilities, network });
    return { ips: [] };
  }

  async attach({ sandboxId }: NetworkRequest, namespace: PodNamespace): Promise<Attachment> {
    const attachment = this.#cache.get(sandboxId);
    if (attachment === undefined) throw lost(sandboxId);
    const { network } = attachment;
    const result = await addNetwork(network, placeOf(attachment, namespace.path), this.#host, this.#plugins);
    this.#cache.save({ ...attachment, result });
    const { ips, dns } = readResult(result, network.name);
    const searches = dns.search.length > 0 ? dns.search : [dns.domain].filter(Boolean);
    const silent = dns.nameservers.length + searches.length + dns.options.length === 0;
    return { ips, dns: silent ? undefined : { servers: dns.nameservers, searches, options: dns.options } };
  }

  async verify({ sandboxId }: NetworkRequest, namespace: PodNamespace): Promise<void> {
    const attachment = this.#cache.get(sandboxId);
    if (attachment?.result === undefined) throw lost(sandboxId);
    const place = placeOf(attachment, namespace.path);
    await checkNetwork(attachment.network, place, this.#host, this.#plugins, attachment.result);
  }

  /** Throws what DEL says while the namespace is there; without one it is told in the log and tried again at the next start. */
  async detach({ sandboxId }: NetworkRequest, namespace: PodNamespace | undefined): Promise<void> {
    if (namespace === undefined) await this.#detachLate(sandboxId);
    else await this.#delete(sandboxId, namespace.path);
  }

  async release(sandboxId: string): Promise<void> {
    await this.#detachLate(sandboxId);
  }

  async recover(living: readonly string[]): Promise<void> {
    const alive = new Set(living);
    const kept = this.#cache.all();
    await Promise.all(kept.filter((id) => !alive.has(id)).map((id) => this.#detachLate(id)));
    await this.refresh();
    if (!this.#state.ready) return;
    const valid = kept.filter((id) => alive.has(id)).map((containerId) => ({ containerId, ifname }));
    try {
      await collectNetwork(loadNetwork(this.#options.configDirectories), valid, this.#host, this.#plugins);
    } catch (error) {
      this.#options.log.warn({ err: error }, "CNI plugins could not collect what no pod uses");
    }
  }

  /** Makes the network's file from the template, unless a network is there. */
  async usePodCidrs(cidrs: readonly string[]): Promise<void> {
    const { template, configDirectories } = this.#options;
    if (template === undefined) return;
    await this.refresh();
    if (this.#state.reason !== "NetworkNotConfigured") return;
    writeFromTemplate(template, configDirectories[0] ?? "", cidrs);
    await this.refresh();
  }

  async #detachLate(sandboxId: string): Promise<void> {
    try {
      await this.#delete(sandboxId, "");
    } catch (error) {
      this.#options.log.warn(
        { err: error, pod: sandboxId },
        "a pod that is gone could not be taken off its network",
      );
    }
  }

  async #delete(sandboxId: string, netns: string): Promise<void> {
    const attachment = this.#cache.get(sandboxId);
    if (attachment !== undefined) {
      const place = placeOf(attachment, netns);
      await deleteNetwork(attachment.network, place, this.#host, this.#plugins, attachment.result);
    }
    this.#cache.forget(sandboxId);
  }
}

function placeOf({ sandboxId, args, capabilities }: CachedAttachment, netns: string) {
  return { containerId: sandboxId, netns, ifname, args, capabilities };
}

function notReady(reason: string, error: LichenError): NetworkState {
  return { ready: false, reason, message: explain(error) };
}

function lost(sandboxId: string): LichenError {
  return new LichenError({
    code: "INTERNAL",
    operation: "attach pod sandbox",
    object: sandboxId,
    reason: "it was not prepared, or its attachment cannot be read",
  });
}
