import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NetworkList } from "./network-list.ts";

/** What has to be known for the DEL of a pod, whatever has become of the network's file since its ADD. */
export interface CachedAttachment {
  sandboxId: string;
  ifname: string;
  args: string;
  capabilities: Record<string, unknown>;
  network: NetworkList;
  /** The result of the ADD; left out while that is under way. */
  result?: object;
}

/**
 * The attachments of pods to CNI networks, a JSON file each (CNI spec, section 4, "Caching"): written before the ADD begins, so
 * that a daemon that dies in the middle of one knows what to undo.
 */
export class AttachmentCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  save(attachment: CachedAttachment): void {
    const path = this.#path(attachment.sandboxId);
    writeFileSync(`${path}.new`, JSON.stringify(attachment), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  get(sandboxId: string): CachedAttachment | undefined {
    try {
      return JSON.parse(readFileSync(this.#path(sandboxId), "utf8"));
    } catch {
      // None, or torn by a power cut, which no pod has outlived.
      return undefined;
    }
  }

  forget(sandboxId: string): void {
    rmSync(this.#path(sandboxId), { force: true });
  }

  /** Ids of all pods that have an attachment or the beginning of one. */
  all(): string[] {
    return readdirSync(this.#directory)
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -".json".length));
  }

  #path(sandboxId: string): string {
    return join(this.#directory, `${sandboxId}.json`);
  }
}
