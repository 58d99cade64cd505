import { createServer } from "node:http";
import { createServer as createListener, type Server as Listener } from "node:net";
import { asLichenError, LichenError } from "../../errors.ts";
import type { Launcher } from "../../native/launcher.ts";
import type { Log } from "../../pod/service.ts";

/** Serves `/metrics`; close() ends it. */
export interface MetricsServer {
  close(): void;
}

/**
 * Serves the text that `collect` gives over HTTP, inside the namespaces and at the same address on the host. Nothing secret is told, but
 * whoever reaches the address may read it.
 */
export async function serveMetrics(
  { address, port }: { address: string; port: number },
  launcher: Pick<Launcher, "listen">,
  log: Log,
  collect: () => string,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (path !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(path === "/metrics" ? 405 : 404).end();
      return;
    }
    try {
      const text = collect();
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
      response.end(request.method === "HEAD" ? "" : text);
    } catch (error) {
      log.error({ err: error }, "metrics cannot be collected");
      response.writeHead(500).end();
    }
  });
  const listeners: Listener[] = [server];
  await listening(server, { host: address, port });
  try {
    const host = await launcher.listen(address, port);
    const onHost = createListener((socket) => server.emit("connection", socket));
    await listening(onHost, { fd: host.socket.release() });
    listeners.push(onHost);
  } catch (error) {
    log.warn({ reason: asLichenError(error).message }, "metrics are not reachable from the host");
  }
  return {
    close: () => {
      for (const listener of listeners) listener.close();
      server.closeAllConnections();
    },
  };
}

function listening(listener: Listener, at: { host: string; port: number } | { fd: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) =>
      reject(
        new LichenError({
          code: "UNAVAILABLE",
          operation: "listen for metrics",
          object: "host" in at ? `${at.host}:${at.port}` : "",
          reason: String(error.code),
          hint: "choose another metrics.port",
          cause: error,
        }),
      );
    listener.once("error", failed);
    listener.listen(at, () => {
      listener.off("error", failed);
      resolve();
    });
  });
}
