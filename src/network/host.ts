import type { Attachment, NetworkDriver, NetworkState } from "./driver.ts";

/** The node's own network: nothing to attach, nothing to release. */
export class HostNetwork implements NetworkDriver {
  state(): NetworkState {
    return { ready: true, reason: "", message: "" };
  }

  async attach(): Promise<Attachment> {
    return { interface: undefined, ips: [] };
  }

  release(): void {}
}
