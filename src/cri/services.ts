import type {
  Server,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type ServiceName, serviceDefinition } from "../../proto/contract.ts";
import { LichenError } from "../errors.ts";
import type { Log } from "../pod/types.ts";
import type { CriContext } from "./context.ts";
import { imageRpcs } from "./image/rpcs.ts";
import { lichenImagesRpcs } from "./lichen/rpcs.ts";
import { type RpcReport, reportTo } from "./report.ts";
import type { CallInfo } from "./rpc.ts";
import { runtimeRpcs } from "./runtime/rpcs.ts";
import { serverStream } from "./server-stream.ts";
import { toServiceError } from "./status.ts";

/** The table of RPCs says which ones are streams, and the types of src/cri/rpc.ts hold the answers to it. */
type Answer = (request: object, context: CriContext, call: CallInfo) => never;

/**
 * Adds both CRI services and lichen's own to `server`, answering from `context`. What is not built answers UNIMPLEMENTED by its name.
 * Streams end, with UNAVAILABLE, when `stopping` is aborted.
 */
export function addCriServices(server: Server, context: CriContext, log: Log, stopping: AbortSignal): void {
  const add = (service: ServiceName, rpcs: object) => {
    const definition = serviceDefinition(service);
    const implementation: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(definition)) {
      const answer = (rpcs as Record<string, Answer>)[name];
      if (!answer) implementation[name] = refuse(name, method.responseStream);
      else if (method.responseStream)
        implementation[name] = serverStream(name, answer, context, reportTo(log, context.observe), stopping);
      else implementation[name] = unary(name, answer, context, reportTo(log, context.observe));
    }
    server.addService(definition, implementation);
  };
  add("RuntimeService", runtimeRpcs);
  add("ImageService", imageRpcs);
  add("Images", lichenImagesRpcs);
}

type UnaryAnswer = (request: object, context: CriContext, call: CallInfo) => object | Promise<object>;

function unary(name: string, answer: UnaryAnswer, context: CriContext, report: RpcReport) {
  return async (call: ServerUnaryCall<object, object>, reply: sendUnaryData<object>): Promise<void> => {
    const finish = report(name);
    const abort = new AbortController();
    let answered = false;
    // Told at the end of every call; to abort makes an error with its stack, which would cost a read as much as its answer.
    call.on("cancelled", () => answered || abort.abort());
    try {
      const message = await answer(call.request, context, { signal: abort.signal });
      answered = true;
      reply(null, message);
      finish();
    } catch (error) {
      answered = true;
      reply(toServiceError(error));
      finish(error);
    }
  };
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
