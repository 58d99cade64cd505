import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { configure } from "./podman.ts";

/** Two of podman's containers on netavark's bridge, with pasta behind it: a server of streams (bench/network/stream.c) and who sends to it. */
export interface PodmanStreams {
  /** The server's address on the bridge. */
  ip: string;
  /** MB/s of a stream that the client container sends. */
  send(address: string, port: number, bytes: number): number;
  stop(): void;
}

/** `stream`: the static executable; the server listens on `port`, published as `hostPort`. Throws where podman starts no container. */
export function startPodmanStreams(
  peers: string,
  stream: string,
  port: number,
  hostPort: number,
): PodmanStreams {
  const folder = dirname(stream);
  const failures: string[] = [];
  for (const runtime of ["crun", "runc"]) {
    const place = configure(folder, peers, runtime, "localhost:1", "pasta");
    const podman = (...args: string[]): string => {
      const options = { env: place.env, encoding: "utf8", timeout: 60_000, cwd: folder } as const;
      const { status, stdout, stderr } = spawnSync(place.program, args, options);
      if (status !== 0) throw new Error(`podman ${args.join(" ")}: ${stderr.trim().split("\n").at(-1)}`);
      return stdout.trim();
    };
    const stop = () => {
      const data = join(place.folder, "data");
      spawnSync(place.program, ["rm", "-f", "-t", "0", "-a"], { env: place.env });
      podman("unshare", "sh", "-c", `umount -l "${data}/overlay"; rm -rf "${data}"`);
      process.kill(Number(readFileSync(join(place.folder, "run/libpod/tmp/pause.pid"), "utf8")));
    };
    try {
      spawnSync("tar", ["-C", folder, "-cf", join(folder, "stream.tar"), "stream"]);
      podman("import", join(folder, "stream.tar"), "stream");
      const serve = ["stream", "/stream", "serve", String(port)];
      podman("run", "-d", "--name", "server", "--network", "bridge", "-p", `${hostPort}:${port}`, ...serve);
      podman("run", "-d", "--name", "client", "--network", "bridge", ...serve);
      const ip = podman("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "server");
      const send = (address: string, to: number, bytes: number) =>
        Number(podman("exec", "client", "/stream", "send", address, String(to), String(bytes)));
      return { ip, send, stop };
    } catch (error) {
      failures.push(`${runtime}: ${error instanceof Error ? error.message : String(error)}`);
      stop();
    }
  }
  throw new Error(`podman starts no container here: ${failures.join("; ")}`);
}
