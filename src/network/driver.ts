import type { PodSandboxConfig } from "#cri";

/** A pod that is to get a network. */
export interface NetworkRequest {
  sandboxId: string;
  /** As RunPodSandbox received it: names, annotations, port mappings, DNS. */
  config: PodSandboxConfig;
}

/** The pod's end of a network, for the monitor to make while it furnishes the pod's namespace. */
export interface PodInterface {
  /** The bridge that the host end is put on. */
  bridge: string;
  /** Name of the host end in the node's network. */
  host: string;
  /** Name inside the pod. */
  name: string;
  /** With prefix length: `10.210.0.5/16`. */
  addresses: string[];
  gateways: string[];
  mtu: number;
  /** Whether it sees no other isolated pod on the bridge. */
  isolated: boolean;
  /** Bits a second to the pod and from it; 0: no limit. */
  ingressBits: number;
  egressBits: number;
}

/** The pod's network namespace, made by its monitor and dying with it. */
export interface PodNamespace {
  /** The monitor, which is in the namespace. */
  pid: number;
  /** `/proc/PID/ns/net`, for programs that want a path. */
  path: string;
}

/** What is reserved for a pod before it is made. */
export interface Preparation {
  /** undefined: the monitor makes no interface, because the pod uses the node's network or attach() brings one. */
  interface?: PodInterface | undefined;
  /** Addresses that are known already. */
  ips: string[];
}

/** What a pod has got from its network. */
export interface Attachment {
  /** The pod's own addresses, the primary one first; none on the node's network. */
  ips: string[];
  /** What the network says about names, for pods whose DNSConfig says nothing. */
  dns?: { servers: string[]; searches: string[]; options: string[] } | undefined;
}

/** Something that pods do without although their network is ready: a condition of the node's. */
export interface NetworkLack {
  /** `PodUplink`: a name of our own. */
  type: string;
  /** One CamelCase word. */
  reason: string;
  message: string;
}

export interface NetworkState {
  ready: boolean;
  /** One CamelCase word; "" when ready. */
  reason: string;
  message: string;
  lacks?: readonly NetworkLack[];
}

/**
 * A way of giving pods a network. The steps of a pod's life, in order, and what undoes what:
 *
 *     check → prepare → (the monitor makes the namespace, and the prepared interface in it) → attach
 *             release ← (the monitor ends, and with it the namespace)                       ← detach
 *
 * `detach` and `release` are called for every pod, however far it came and whatever crashed meanwhile, and more than once: both
 * succeed when there is nothing (left) to do.
 */
export interface NetworkDriver {
  /** Whether pods can be attached now, and if not, why: the NetworkReady condition. At once; the driver keeps it true. */
  state(): NetworkState;
  /** Refuses what this network cannot do for the pod (INVALID_ARGUMENT, UNIMPLEMENTED, FAILED_PRECONDITION). Changes nothing. */
  check(config: PodSandboxConfig): void;
  /** Reserves what the pod needs. FAILED_PRECONDITION when the network cannot be had, RESOURCE_EXHAUSTED when it is full. */
  prepare(request: NetworkRequest): Promise<Preparation>;
  /** Puts the made namespace on the network. */
  attach(request: NetworkRequest, namespace: PodNamespace, prepared: Preparation): Promise<Attachment>;
  /** Throws when the network of a pod that lives is not (any more) as attach() made it. Changes nothing. */
  verify(request: NetworkRequest, namespace: PodNamespace): Promise<void>;
  /** Takes the pod off the network while its namespace is there; `undefined` when it has gone by itself. */
  detach(request: NetworkRequest, namespace: PodNamespace | undefined): Promise<void>;
  /** Gives back what was reserved, once nothing in the pod can use it any more. */
  release(sandboxId: string): Promise<void>;
  /**
   * The cluster has given this node these ranges for its pods (UpdateRuntimeConfig). FAILED_PRECONDITION when pods' addresses come from
   * elsewhere and nothing here can change that.
   */
  usePodCidrs(cidrs: readonly string[]): Promise<void>;
  /** After a restart, before any pod: these pods and no others live; whatever else is held is given back. */
  recover(living: readonly string[]): Promise<void>;
}
