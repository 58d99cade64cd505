/** The pod's end of a network, as the monitor makes it. */
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
}

/** What a pod gets from its network. */
export interface Attachment {
  /** undefined where the pod uses the node's network. */
  interface: PodInterface | undefined;
  /** The pod's own addresses, the primary one first. */
  ips: string[];
}

export interface NetworkState {
  ready: boolean;
  /** One CamelCase word; "" when ready. */
  reason: string;
  message: string;
}

/** A way of giving pods a network. */
export interface NetworkDriver {
  /** Whether pods can be attached now, and if not, why. */
  state(): NetworkState;
  /** Reserves what the pod needs. FAILED_PRECONDITION when the network cannot be had, RESOURCE_EXHAUSTED when it is full. */
  attach(sandboxId: string): Promise<Attachment>;
  /** Gives back what the pod had; fine when it had nothing. The pod's interface dies with its network namespace. */
  release(sandboxId: string): void;
}
