import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createListener, type Server as Listener } from "node:net";
import type { Duplex } from "node:stream";
import { LichenError } from "../errors.ts";
import { serve } from "./serve.ts";
import { TokenCache } from "./tokens.ts";
import type {
  AttachRequest,
  CommandOptions,
  ExecRequest,
  PortForwardRequest,
  StreamHandlers,
  StreamLimits,
} from "./types.ts";
import { defaultLimits } from "./types.ts";
import { refuse, type StreamRequest } from "./upgrade.ts";

/** PEM texts. With `clientCa` only clients that show a certificate of it are served. */
export interface StreamTls {
  certificate: string;
  key: string;
  clientCa?: string;
}

export interface StreamingServerOptions {
  handlers: StreamHandlers;
  limits?: Partial<StreamLimits>;
  tls?: StreamTls;
}

/**
 * The HTTP server whose URLs Exec, Attach and PortForward answer: `http://127.0.0.1:PORT/exec/TOKEN`. A client upgrades such a request
 * to SPDY/3.1 or WebSocket. The URL is absolute, since the kubelet and the API server dial what it says.
 */
export class StreamingServer {
  readonly #handlers: StreamHandlers;
  readonly #limits: StreamLimits;
  readonly #tokens: TokenCache<StreamRequest>;
  readonly #server: Server;
  readonly #scheme: "http" | "https";
  readonly #adopted: Listener[] = [];
  readonly #sockets = new Set<Duplex>();
  readonly #closing = new AbortController();
  #base = "";

  constructor({ handlers, limits = {}, tls }: StreamingServerOptions) {
    this.#handlers = handlers;
    this.#limits = { ...defaultLimits, ...limits };
    this.#tokens = new TokenCache(this.#limits.tokenLifetime, this.#limits.tokens);
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server =
      tls === undefined
        ? createServer({ noDelay: true })
        : createSecureServer({
            cert: tls.certificate,
            key: tls.key,
            minVersion: "TLSv1.2",
            ...(tls.clientCa === undefined
              ? {}
              : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
          });
    this.#server.on("connection", (socket: Duplex) => this.#accept(socket));
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on("request", (request, response) => {
      const known = this.#consume(request) !== undefined;
      const text = known ? "this URL is for SPDY/3.1 or WebSocket: ask for an upgrade\n" : "not found\n";
      response.writeHead(known ? 400 : 404, { "content-type": "text/plain", connection: "close" }).end(text);
    });
  }

  /** Listens on a loopback address and resolves with the port; 0 takes a free one. Rejects when the port is taken. */
  async listen({ address = "127.0.0.1", port = 0 } = {}): Promise<number> {
    await listening(this.#server, () => this.#server.listen({ host: address, port }), `${address}:${port}`);
    const actual = (this.#server.address() as AddressInfo).port;
    this.#base = `${this.#scheme}://${address.includes(":") ? `[${address}]` : address}:${actual}`;
    return actual;
  }

  /**
   * Also serves the connections of a listening socket that was made elsewhere, as the launcher makes one in the host's network.
   * Owns the descriptor from then on.
   */
  async adopt(descriptor: number): Promise<void> {
    const listener = createListener({ noDelay: true }, (socket) => this.#server.emit("connection", socket));
    await listening(listener, () => listener.listen({ fd: descriptor }), `descriptor ${descriptor}`);
    this.#adopted.push(listener);
  }

  /** The URL of an exec, for one connection within the token's life. Throws INVALID_ARGUMENT or RESOURCE_EXHAUSTED. */
  execUrl(request: ExecRequest): string {
    checkCommand("exec", request);
    if (request.command.length === 0) throw invalid("exec", request.containerId, "no command is given");
    return this.#url({ kind: "exec", request });
  }

  attachUrl(request: AttachRequest): string {
    checkCommand("attach", request);
    return this.#url({ kind: "attach", request });
  }

  portForwardUrl(request: PortForwardRequest): string {
    if (request.podSandboxId === "") throw invalid("port-forward", "", "no pod sandbox is named");
    for (const port of request.ports) {
      if (!Number.isInteger(port) || port < 1 || port > 65_535)
        throw invalid("port-forward", request.podSandboxId, `${port} is no port: 1 to 65535 are`);
    }
    return this.#url({ kind: "portforward", request });
  }

  /** Ends every session (their handlers see `closed`) and every listener. */
  async close(): Promise<void> {
    this.#closing.abort();
    const listeners = [this.#server, ...this.#adopted].filter((listener) => listener.listening);
    const closed = listeners.map(
      (listener) => new Promise<void>((resolve) => void listener.close(() => resolve())),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #url(entry: StreamRequest): string {
    if (this.#base === "") {
      throw new LichenError({
        code: "UNAVAILABLE",
        operation: "prepare stream",
        object: "",
        reason: "the streaming server does not listen",
      });
    }
    return `${this.#base}/${entry.kind}/${this.#tokens.insert(entry)}`;
  }

  #accept(socket: Duplex): void {
    if (this.#sockets.size >= this.#limits.connections) {
      socket.destroy();
      return;
    }
    this.#keep(socket);
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #consume({ method, url = "" }: IncomingMessage): StreamRequest | undefined {
    const [, kind, token] = /^\/(exec|attach|portforward)\/([\w-]{1,128})(?:\?|$)/.exec(url) ?? [];
    // Looked up in any case: a request of another form takes as long.
    const entry = this.#tokens.consume(token ?? "");
    return (method === "GET" || method === "POST") && entry?.kind === kind ? entry : undefined;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A socket's failure ends its session by `close`; there is nobody to tell.
    socket.on("error", () => {});
    const entry = this.#consume(request);
    if (entry === undefined) {
      refuse(socket, 404, "not found");
      return;
    }
    const replaced = (fresh: Duplex) => {
      fresh.on("error", () => {});
      this.#keep(fresh);
    };
    serve(entry, { request, socket, head }, { handlers: this.#handlers, limits: this.#limits, replaced });
  }
}

/** The checks of the CRI's own streaming server, so that clients see the same refusals. */
function checkCommand(operation: string, request: CommandOptions): void {
  if (request.containerId === "") throw invalid(operation, "", "no container is named");
  if (request.tty && request.stderr)
    throw invalid(
      operation,
      request.containerId,
      "tty and stderr exclude each other: a terminal has one output",
    );
  if (!request.stdin && !request.stdout && !request.stderr)
    throw invalid(operation, request.containerId, "one of stdin, stdout, stderr must be asked for");
}

function invalid(operation: string, object: string, reason: string): LichenError {
  return new LichenError({ code: "INVALID_ARGUMENT", operation, object, reason });
}

function listening(listener: Listener, listen: () => void, object: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      reject(
        new LichenError({
          code: error.code === "EADDRINUSE" ? "ALREADY_EXISTS" : "UNAVAILABLE",
          operation: "listen for streams",
          object,
          reason: error.message,
          cause: error,
        }),
      );
    };
    listener.once("error", failed);
    listener.once("listening", () => {
      listener.off("error", failed);
      resolve();
    });
    listen();
  });
}
