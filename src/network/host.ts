import type { Attachment, NetworkDriver, NetworkState, Preparation } from "./driver.ts";

/** The node's own network: nothing to attach, nothing to give back. */
export class HostNetwork implements NetworkDriver {
  state(): NetworkState {
    return { ready: true, reason: "", message: "" };
  }

  check(): void {}

  async prepare(): Promise<Preparation> {
    return { ips: [] };
  }

  async attach(): Promise<Attachment> {
    return { ips: [] };
  }

  async detach(): Promise<void> {}

  async release(): Promise<void> {}

  async recover(): Promise<void> {}
}
