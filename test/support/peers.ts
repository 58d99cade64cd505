/** Programs of other projects that tests hold lichen against; a test that needs one is skipped with its name where there is none. */
import { spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

export type PeerProgram = "crun" | "skopeo" | "umoci" | "docker-registry";

/** Where the set-up unpacks what it does not install (scripts/setup/packages.mjs). */
const programsBeside = "/var/cache/lichen-test/programs/usr/bin";

/** Full path of a peer's program, or undefined. */
export function findPeer(name: PeerProgram): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), programsBeside];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** For a test's `skip`: why it cannot run, or false when all programs are there. */
export function peersMissing(...names: PeerProgram[]): string | false {
  const missing = names.filter((name) => findPeer(name) === undefined);
  return missing.length > 0 && `not installed: ${missing.join(", ")} (root's npm test installs them)`;
}

export interface DockerRegistry {
  /** "127.0.0.1:port" */
  host: string;
  /** Where it keeps blobs and manifests. */
  directory: string;
}

/** Debian's docker-registry on a free loopback port, in plain HTTP, with an empty store; ended with the test. */
export async function startDockerRegistry(t: TestContext): Promise<DockerRegistry> {
  const program = findPeer("docker-registry");
  if (program === undefined) throw new Error("docker-registry is not installed: skip with peersMissing()");
  const directory = mkdtempSync(join(tmpdir(), "lichen-registry-"));
  mkdirSync(join(directory, "store"));
  const config = join(directory, "config.yml");
  writeFileSync(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "info", formatter: "json", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(directory, "store") }, delete: { enabled: true } },
      http: { addr: "127.0.0.1:0" },
    }),
  );
  const child = spawn(program, ["serve", config], { stdio: ["ignore", "ignore", "pipe"] });
  t.after(async () => {
    child.kill("SIGKILL");
    while (child.exitCode === null && child.signalCode === null) await sleep(10);
    rmSync(directory, { recursive: true, force: true });
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  // It logs the port that the kernel chose: {"msg":"listening on 127.0.0.1:43210", …}.
  for (let waited = 0; waited < 30_000; waited += 20) {
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    if (port !== undefined && (await accepts(Number(port)))) return { host: `127.0.0.1:${port}`, directory };
    if (child.exitCode !== null || child.signalCode !== null) break;
    await sleep(20);
  }
  throw new Error(`docker-registry does not listen\n${log}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
