import type { Attachment, NetworkDriver, NetworkState, Preparation } from "./driver.ts";

/** Pods with a network namespace of their own and nothing in it but loopback. */
export class NoNetwork implements NetworkDriver {
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

  async verify(): Promise<void> {}

  async detach(): Promise<void> {}

  async release(): Promise<void> {}

  async usePodCidrs(): Promise<void> {}

  async recover(): Promise<void> {}
}
