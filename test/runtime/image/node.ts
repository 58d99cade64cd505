/** An image service on a tmpfs of its own, for tests in namespaces (in-namespaces.ts), and a look at what it leaves. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ImageService } from "../../../src/image/service.ts";
import type { ImageConfig } from "../../../src/image/types.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { Registry, type RegistryOptions } from "../../fixtures/registry.ts";

export interface ImageNode {
  images: ImageService;
  dataDir: string;
  /** What is in the layers directory. */
  layers(): string[];
  /** Ends the service and starts another one on the same data. */
  restart(): Promise<ImageService>;
}

/** A directory on a new tmpfs (`size` as in tmpfs(5)), unmounted when the test ends. */
export function tmpfs(t: TestContext, size = "50%"): string {
  const path = mkdtempSync(join(tmpdir(), "lichen-image-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", path]);
  t.after(() => {
    execFileSync("umount", [path]);
    rmdirSync(path);
  });
  return path;
}

export async function startImages(
  t: TestContext,
  config: ImageConfig = {},
  { diskSize }: { diskSize?: string } = {},
): Promise<ImageNode> {
  // The network namespace is new: its loopback is down.
  execFileSync("ip", ["link", "set", "lo", "up"]);
  // Hooks run in the order of their registration, and the file system can go only when nothing uses it.
  let end = async () => {};
  t.after(() => end());
  const dataDir = tmpfs(t, diskSize);
  const open = async () => {
    const database = openDatabase(join(dataDir, "state.db"), { durable: true });
    return { database, images: await ImageService.open({ database, dataDir, config }) };
  };
  let current = await open();
  end = async () => {
    await current.images.close();
    current.database.close();
  };
  return {
    get images() {
      return current.images;
    },
    dataDir,
    layers: () => readdirSync(join(dataDir, "layers")).sort(),
    async restart() {
      await end();
      current = await open();
      return current.images;
    },
  };
}

export async function startRegistry(t: TestContext, options: RegistryOptions = {}): Promise<Registry> {
  const registry = await Registry.start(options);
  t.after(() => registry.close());
  return registry;
}

/** Open descriptors of this process, those of the moment (sockets in their last second) left aside. */
export async function settledFds(expected: number): Promise<number> {
  const count = () => readdirSync("/proc/self/fd").length;
  for (let i = 0; i < 100 && count() > expected; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  return count();
}
