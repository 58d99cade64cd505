import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Server } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { maxMessageBytes } from "../../proto/client.ts";
import type { Config } from "../config/load.ts";
import type { NodeReport } from "../config/node-report.ts";
import { type Paths, socketPath } from "../config/paths.ts";
import { addCriServices } from "../cri/services.ts";
import { sharedCertsDirectories } from "../image/registry/hosts-file.ts";
import { ImageService } from "../image/service.ts";
import { Launcher } from "../native/launcher.ts";
import { PodService } from "../pod/service.ts";
import { openDatabase } from "../store/database.ts";
import { exposition } from "./metrics/exposition.ts";
import { nodeFamilies } from "./metrics/node.ts";
import { RpcMetrics } from "./metrics/rpcs.ts";
import { serveMetrics } from "./metrics/server.ts";
import { listen } from "./socket.ts";
import { startStreaming } from "./streaming.ts";

export interface DaemonOptions {
  paths: Paths;
  config: Config;
  report: NodeReport;
  /** lichen's own version. */
  version: string;
  log: Logger;
}

/** A serving daemon. */
export interface RunningDaemon {
  socket: string;
  /** Ends serving, calls under way included after `graceMs`; pods and containers run on. */
  stop(graceMs: number): Promise<void>;
}

/** Puts the rooms together, recovers what ran before, and serves CRI once everything answers truly. */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const { paths, config, report, version, log } = options;
  mkdirSync(paths.dataDir, { recursive: true, mode: 0o700 });
  const state = join(paths.dataDir, "state.db");
  const imageState = openDatabase(state, { durable: true });
  const podState = openDatabase(state, { durable: false });
  const launcher = Launcher.inherited();
  const images = await ImageService.open({
    database: imageState,
    dataDir: paths.dataDir,
    config: {
      certsDirectories: config.images.certs_directories ?? [
        paths.certsDir,
        ...sharedCertsDirectories(process.env),
      ],
      plainHttpHosts: config.images.plain_http,
      singleOwner: report.idMap.single,
      connectionsPerRegistry: config.images.connections_per_registry,
      stallMs: config.images.stall_seconds * 1000,
      helperUser: { uid: report.uid, gid: report.gid },
      ...(config.images.workers === 0 ? {} : { workers: config.images.workers }),
      pinned: config.images.pinned,
      policy: config.images.policy
        ? { files: [config.images.policy], required: true }
        : { files: paths.policyFiles, required: false },
      devices: config.images.devices,
      layerLimits: { maxBytes: config.images.max_layer_bytes, maxEntries: config.images.max_layer_entries },
      ...(config.images.gc_high_percent === 0
        ? {}
        : {
            gc: { highPercent: config.images.gc_high_percent, lowPercent: config.images.gc_low_percent },
          }),
    },
    log: log.child({ room: "image" }),
    dial: async (host, port) => (await launcher.dial(host, port)).socket,
  });
  const pods = await PodService.open({
    database: podState,
    runtimeDir: paths.runtimeDir,
    dataDir: paths.dataDir,
    node: report,
    config,
    images,
    openOnHost: async (address, port, protocol) => (await launcher.listen(address, port, protocol)).socket,
    log: log.child({ room: "pod" }),
  });
  await images.releaseOthers(pods.listContainers().map(({ id }) => id));

  const streaming = await startStreaming(config.streaming, pods, launcher, log.child({ room: "streaming" }));
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    // Its records of every call and connection are for a service that is not served.
    "grpc.enable_channelz": 0,
  });
  const rpcs = new RpcMetrics();
  const metrics =
    config.metrics.port === 0
      ? undefined
      : await serveMetrics(config.metrics, launcher, log.child({ room: "metrics" }), () =>
          exposition([...nodeFamilies(version, pods, images), ...rpcs.families()]),
        );
  const stopping = new AbortController();
  addCriServices(
    server,
    {
      ...{ pods, images, streaming, node: report, config, version },
      ...(metrics && { observe: (rpc, milliseconds, code) => rpcs.observe(rpc, milliseconds, code) }),
    },
    log.child({ room: "cri" }),
    stopping.signal,
  );
  const socket = socketPath(paths.runtimeDir);
  await listen(server, socket);

  return {
    socket,
    stop: async (graceMs) => {
      stopping.abort();
      metrics?.close();
      await endServing(server, graceMs);
      await streaming.close();
      await pods.close();
      await images.close();
      launcher.close();
      podState.close();
      imageState.close();
    },
  };
}

function endServing(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(impatient);
      resolve();
    });
  });
}
