import {
  Client,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { serviceDefinition } from "./contract.ts";
import type { ImageService, Outgoing, RuntimeService } from "./generated/cri.ts";

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
  stream: boolean;
}

type Call<R extends Rpc> = (
  request?: Outgoing<R["request"]>,
  options?: CallOptions,
) => R["stream"] extends true ? AsyncIterable<R["response"]> : Promise<R["response"]>;

type Calls<S> = { readonly [K in keyof S as Uncapitalize<K & string>]: Call<S[K] & Rpc> };

/**
 * A typed client of both CRI services on one Unix socket: a method per RPC, named as in the contract with a small first
 * letter. Unary calls return promises, streams are iterated. Failures reject with grpc-js's ServiceError (code, details).
 */
export type CriClient = Calls<RuntimeService> & Calls<ImageService> & { close(): void };

/** Connects lazily: the first call finds out whether anybody listens on `socketPath`. */
export function connectCri(socketPath: string): CriClient {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  const calls = [serviceDefinition("RuntimeService"), serviceDefinition("ImageService")].flatMap((service) =>
    methods(client, service),
  );
  return { ...Object.fromEntries(calls), close: () => client.close() } as CriClient;
}

function methods(client: Client, service: ServiceDefinition) {
  return Object.entries(service).map(([name, method]) => {
    const call = method.responseStream ? stream(client, method) : unary(client, method);
    return [name.charAt(0).toLowerCase() + name.slice(1), call] as const;
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
    // Who leaves the iteration early wants no more: the call ends, and what it then fails with is nobody's concern.
    call.on("close", () => {
      call.on("error", () => {});
      call.cancel();
    });
    return call;
  };
}

function callOptions(options: CallOptions): { deadline?: number } {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}

function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void }): void {
  if (signal?.aborted) call.cancel();
  else signal?.addEventListener("abort", () => call.cancel(), { once: true });
}
