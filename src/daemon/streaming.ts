import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import type { Config } from "../config/load.ts";
import { asLichenError, LichenError } from "../errors.ts";
import type { Launcher } from "../native/launcher.ts";
import type { Log, PodService } from "../pod/service.ts";
import { StreamingServer, type StreamTls } from "../streaming/server.ts";
import type { StreamHandlers } from "../streaming/types.ts";

/** A port that is free on the host may be taken inside; then another is tried. */
const attempts = 5;

type StreamingConfig = Config["streaming"];

/** Serves exec, attach and port-forward, inside the namespaces and on the host at the same port. */
export async function startStreaming(
  config: StreamingConfig,
  pods: PodService,
  launcher: Launcher,
  log: Log,
): Promise<StreamingServer> {
  const tls = readTls(config);
  const server = new StreamingServer({
    handlers: handlersOf(pods),
    limits: {
      idle: config.idle_seconds * 1000,
      connections: config.max_connections,
      streams: config.max_streams,
    },
    ...(tls === undefined ? {} : { tls }),
  });
  await listen(server, config, launcher, log);
  return server;
}

function handlersOf(pods: PodService): StreamHandlers {
  return {
    exec: ({ containerId, command, tty }, streams) => pods.exec(containerId, command, tty, streams),
    attach: ({ containerId }, streams) => pods.attach(containerId, streams),
    portForward: (forwarded) => pods.portForward(forwarded.podSandboxId, forwarded),
  };
}

async function listen(
  server: StreamingServer,
  { address, port }: StreamingConfig,
  launcher: Launcher,
  log: Log,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const host = await launcher.listen(address, port).catch((error: unknown) => {
      // A kubelet inside the namespaces does without the host's side.
      log.warn({ reason: asLichenError(error).message }, "streams are not reachable from the host");
      return undefined;
    });
    try {
      await server.listen({ address, port: host?.port ?? port });
      if (host) await server.adopt(host.socket.release());
      return;
    } catch (error) {
      host?.socket.close();
      if (port !== 0 || host === undefined || attempt === attempts) throw error;
    }
  }
}

function readTls(config: StreamingConfig): StreamTls | undefined {
  const { address, tls_certificate, tls_key, tls_client_ca } = config;
  if (tls_certificate === undefined && tls_key === undefined && tls_client_ca === undefined) {
    if (isLoopback(address)) return undefined;
    throw refused("streaming.address", `${address} is reachable by others, who could read along`);
  }
  if (tls_certificate === undefined || tls_key === undefined)
    throw refused("streaming.tls_certificate and tls_key", "one is given without the other");
  return {
    certificate: read(tls_certificate),
    key: read(tls_key),
    ...(tls_client_ca === undefined ? {} : { clientCa: read(tls_client_ca) }),
  };
}

function isLoopback(address: string): boolean {
  return isIPv4(address) ? address.startsWith("127.") : address === "::1";
}

function refused(object: string, reason: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "configure streaming",
    object,
    reason,
    hint: "give streaming.tls_certificate and streaming.tls_key, or a loopback address and neither",
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "read PEM file",
      object: file,
      reason: String((error as NodeJS.ErrnoException).code),
      hint: "correct the streaming table of the configuration",
      cause: error,
    });
  }
}
