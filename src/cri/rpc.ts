import type { ImageService, Outgoing, RuntimeService } from "#cri";
import type { Images } from "#lichen";
import type { CriContext } from "./context.ts";

/** What an RPC may know about its call. */
export interface CallInfo {
  /** Aborted when the client goes away or its deadline passes; for streams also when the daemon stops. */
  signal: AbortSignal;
}

type Unary<Q, A> = (request: Q, context: CriContext, call: CallInfo) => Outgoing<A> | Promise<Outgoing<A>>;

/**
 * Messages are taken one by one, as fast as the client reads. When the call ends early the iterator's return() is called;
 * a wait within it that may last ends by `call.signal`.
 */
type ServerStream<Q, A> = (request: Q, context: CriContext, call: CallInfo) => AsyncIterable<Outgoing<A>>;

type Answer<R> = R extends { request: infer Q; response: infer A; stream: infer S }
  ? S extends "both"
    ? ServerStream<AsyncIterable<Q>, A>
    : S extends true
      ? ServerStream<Q, A>
      : Unary<Q, A>
  : never;

/** The implementation of an RPC of RuntimeService; failures are thrown as LichenError. */
export type RuntimeRpc<K extends keyof RuntimeService> = Answer<RuntimeService[K]>;

/** The implementation of an RPC of ImageService; failures are thrown as LichenError. */
export type ImageRpc<K extends keyof ImageService> = Answer<ImageService[K]>;

/** The implementation of an RPC of lichen's own service for images; failures are thrown as LichenError. */
export type LichenImagesRpc<K extends keyof Images> = Answer<Images[K]>;

type Rpcs<S> = { readonly [K in keyof S]?: Answer<S[K]> };

/** RPCs that are missing here answer UNIMPLEMENTED. */
export type RuntimeRpcs = Rpcs<RuntimeService>;
export type ImageRpcs = Rpcs<ImageService>;
export type LichenImagesRpcs = Rpcs<Images>;
