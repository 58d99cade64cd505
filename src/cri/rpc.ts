import type { ImageService, Outgoing, RuntimeService } from "#cri";
import type { CriContext } from "./context.ts";

/** What an RPC may know about its call. */
export interface CallInfo {
  /** Aborted when the client goes away or its deadline passes. */
  signal: AbortSignal;
}

type Answer<R> = R extends { request: infer Q; response: infer A; stream: false }
  ? (request: Q, context: CriContext, call: CallInfo) => Outgoing<A> | Promise<Outgoing<A>>
  : never;

/** The implementation of a unary RPC of RuntimeService; failures are thrown as LichenError. */
export type RuntimeRpc<K extends keyof RuntimeService> = Answer<RuntimeService[K]>;

/** The implementation of a unary RPC of ImageService; failures are thrown as LichenError. */
export type ImageRpc<K extends keyof ImageService> = Answer<ImageService[K]>;

type Rpcs<S> = { readonly [K in keyof S]?: Answer<S[K]> };

/** RPCs that are missing here answer UNIMPLEMENTED. */
export type RuntimeRpcs = Rpcs<RuntimeService>;
export type ImageRpcs = Rpcs<ImageService>;
