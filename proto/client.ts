import { once } from "node:events";
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { type ServiceName, serviceDefinition } from "./contract.ts";
import type { ImageService, Outgoing, RuntimeService } from "./generated/cri.ts";
import type { Images } from "./generated/lichen.ts";

/** Largest message in either direction, bytes: what the kubelet and crictl use. */
export const maxMessageBytes = 16 * 1024 * 1024;

export interface CallOptions {
  /** Milliseconds until the call is given up with DEADLINE_EXCEEDED; none when absent. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

interface Rpc {
  request: unknown;
  response: unknown;
  stream: boolean | "both";
}

type Call<R extends Rpc> = R["stream"] extends "both"
  ? (requests: AsyncIterable<Outgoing<R["request"]>>, options?: CallOptions) => AsyncIterable<R["response"]>
  : (
      request?: Outgoing<R["request"]>,
      options?: CallOptions,
    ) => R["stream"] extends true ? AsyncIterable<R["response"]> : Promise<R["response"]>;

type Calls<S> = { readonly [K in keyof S as Uncapitalize<K & string>]: Call<S[K] & Rpc> };

/**
 * A typed client of both CRI services on one Unix socket: a method per RPC, named as in the contract with a small first
 * letter. Unary calls return promises, streams are iterated. Failures reject with grpc-js's ServiceError (code, details).
 */
export type CriClient = Calls<RuntimeService> & Calls<ImageService> & { close(): void };

/** The same of lichen's own service for images. A call with a stream of requests sends them as fast as they are taken. */
export type ImagesClient = Calls<Images> & { close(): void };

/** Connects lazily: the first call finds out whether anybody listens on `socketPath`. */
export function connectCri(socketPath: string): CriClient {
  return connect(socketPath, "RuntimeService", "ImageService") as CriClient;
}

/** As connectCri; clients of one socket share their connection. */
export function connectImages(socketPath: string): ImagesClient {
  return connect(socketPath, "Images") as ImagesClient;
}

function connect(socketPath: string, ...services: ServiceName[]): object {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  const calls = services.flatMap((service) => methods(client, serviceDefinition(service)));
  return { ...Object.fromEntries(calls), close: () => client.close() };
}

function methods(client: Client, service: ServiceDefinition) {
  return Object.entries(service).map(([name, method]) => {
    const call = method.requestStream ? both : method.responseStream ? stream : unary;
    return [name.charAt(0).toLowerCase() + name.slice(1), call(client, method)] as const;
  });
}

function unary(client: Client, method: MethodDefinition<object, object>) {
  return (request: object = {}, options: CallOptions = {}): Promise<object> =>
    new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        callOptions(options),
        (error, response) => (error ? reject(error) : resolve(response ?? {})),
      );
      cancelOn(options.signal, call);
    });
}

function stream(client: Client, method: MethodDefinition<object, object>) {
  return (request: object = {}, options: CallOptions = {}): ClientReadableStream<object> => {
    const call = client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      callOptions(options),
    );
    cancelOn(options.signal, call);
    endWithIteration(call);
    return call;
  };
}

function both(client: Client, method: MethodDefinition<object, object>) {
  return (requests: AsyncIterable<object>, options: CallOptions = {}): ClientDuplexStream<object, object> => {
    const call = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      callOptions(options),
    );
    cancelOn(options.signal, call);
    endWithIteration(call);
    void send(requests, call);
    return call;
  };
}

/** A failure of the requests ends the call and is what the caller sees; one of the call ends the requests. */
async function send(
  requests: AsyncIterable<object>,
  call: ClientDuplexStream<object, object>,
): Promise<void> {
  try {
    for await (const request of requests) {
      if (call.destroyed) return;
      if (!call.write(request))
        await Promise.race([once(call, "drain"), once(call, "close")]).catch(() => {});
    }
    call.end();
  } catch (error) {
    call.destroy(error as Error);
  }
}

/** Who leaves the iteration early wants no more: the call ends, and what it then fails with is nobody's concern. */
function endWithIteration(call: ClientReadableStream<object> | ClientDuplexStream<object, object>): void {
  call.on("close", () => {
    call.on("error", () => {});
    call.cancel();
  });
}

function callOptions(options: CallOptions): { deadline?: number } {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}

function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void }): void {
  if (signal?.aborted) call.cancel();
  else signal?.addEventListener("abort", () => call.cancel(), { once: true });
}
