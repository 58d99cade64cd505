import type {
  Server,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { serviceDefinition } from "../../proto/contract.ts";
import { asLichenError, LichenError } from "../errors.ts";
import type { Log } from "../pod/types.ts";
import type { CriContext } from "./context.ts";
import { imageRpcs } from "./image/rpcs.ts";
import type { CallInfo } from "./rpc.ts";
import { runtimeRpcs } from "./runtime/rpcs.ts";
import { toServiceError } from "./status.ts";

type Answer = (request: object, context: CriContext, call: CallInfo) => unknown;

/** Adds both CRI services to `server`, answering from `context`. What is not built answers UNIMPLEMENTED by its name. */
export function addCriServices(server: Server, context: CriContext, log: Log): void {
  add(server, "RuntimeService", runtimeRpcs as Record<string, Answer>, context, log);
  add(server, "ImageService", imageRpcs as Record<string, Answer>, context, log);
}

function add(
  server: Server,
  service: "RuntimeService" | "ImageService",
  rpcs: Record<string, Answer>,
  context: CriContext,
  log: Log,
): void {
  const definition = serviceDefinition(service);
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const answer = rpcs[name];
    if (!answer) implementation[name] = refuse(name, method.responseStream);
    else implementation[name] = unary(name, answer, context, log);
  }
  server.addService(definition, implementation);
}

function unary(name: string, answer: Answer, context: CriContext, log: Log) {
  return async (call: ServerUnaryCall<object, object>, reply: sendUnaryData<object>): Promise<void> => {
    const began = performance.now();
    const abort = new AbortController();
    call.on("cancelled", () => abort.abort());
    try {
      const response = (await answer(call.request, context, { signal: abort.signal })) as object;
      reply(null, response);
      log.debug({ rpc: name, ms: elapsed(began) }, "answered");
    } catch (error) {
      reply(toServiceError(error));
      report(log, name, elapsed(began), error);
    }
  };
}

function elapsed(began: number): number {
  return Math.round((performance.now() - began) * 100) / 100;
}

/** INTERNAL is a fault of ours and is logged with its stack; everything else is the caller's answer. */
function report(log: Log, rpc: string, ms: number, error: unknown): void {
  const failure = asLichenError(error);
  const fields = { rpc, ms, code: failure.code };
  if (failure.code === "INTERNAL") log.error({ ...fields, err: error }, failure.message);
  else log.info(fields, failure.message);
}

function refuse(name: string, streaming: boolean) {
  const error = toServiceError(
    new LichenError({
      code: "UNIMPLEMENTED",
      operation: name,
      object: "",
      reason: "lichen does not implement it",
    }),
  );
  if (streaming) return (call: ServerWritableStream<object, object>) => call.emit("error", error);
  return (_call: unknown, reply: sendUnaryData<object>) => reply(error);
}
