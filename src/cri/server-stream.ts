import { once } from "node:events";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import { type Code, LichenError } from "../errors.ts";
import type { CriContext } from "./context.ts";
import type { RpcReport } from "./report.ts";
import type { CallInfo } from "./rpc.ts";
import { toServiceError } from "./status.ts";

type StreamAnswer = (request: object, context: CriContext, call: CallInfo) => AsyncIterable<object>;
type Call = ServerWritableStream<object, object> | ServerDuplexStream<object, object>;

/**
 * The handler of an RPC that answers with a stream: sends what `answer` yields. With a stream of requests `answer` gets that, to
 * iterate over; it fails when the client goes away. The next message is asked for when the client has
 * room for it. When the client goes away, or `stopping` is aborted (then the call fails with UNAVAILABLE), the iterator is
 * returned, whether or not its present step ends.
 */
export function serverStream(
  name: string,
  answer: StreamAnswer,
  context: CriContext,
  report: RpcReport,
  stopping: AbortSignal,
) {
  return async (call: Call): Promise<void> => {
    const finish = report(name);
    const gone = new AbortController();
    call.on("cancelled", () => {
      gone.abort();
      call.destroy(new Error("the client has gone"));
    });
    const signal = AbortSignal.any([gone.signal, stopping]);
    try {
      await send(call, answer("request" in call ? call.request : call, context, { signal }), signal);
      if (gone.signal.aborted) return finish(ended(name, "CANCELLED", "the client has gone"));
      if (stopping.aborted)
        throw ended(name, "UNAVAILABLE", "the daemon is stopping", "call again when it is back");
      call.end();
      finish();
    } catch (error) {
      // Sent after the messages that were written before it.
      call.emit("error", toServiceError(error));
      finish(error);
    }
  };
}

async function send(call: Call, messages: AsyncIterable<object>, signal: AbortSignal): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next === undefined || next.done === true) {
        ended = next !== undefined;
        return;
      }
      if (!call.write(next.value) && !signal.aborted)
        await unlessAborted(once(call, "drain", { signal }), signal);
    }
  } finally {
    if (!ended) iterator.return?.()?.catch(() => {});
  }
}

/** The value of `promise`, or undefined as soon as `signal` is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = () => resolve(undefined);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function ended(operation: string, code: Code, reason: string, hint?: string): LichenError {
  return new LichenError({ code, operation, object: "", reason, ...(hint === undefined ? {} : { hint }) });
}
