import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { LichenError } from "../errors.ts";
import type { CriContext } from "./context.ts";
import type { RpcReport } from "./report.ts";
import type { CallInfo } from "./rpc.ts";
import { toServiceError } from "./status.ts";

type StreamAnswer = (request: object, context: CriContext, call: CallInfo) => AsyncIterable<object>;

/**
 * The handler of a server-streaming RPC: sends what `answer` yields. The next message is asked for when the client has
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
  return async (call: ServerWritableStream<object, object>): Promise<void> => {
    const finish = report(name);
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping]);
    try {
      await send(call, answer(call.request, context, { signal }), signal);
      if (stopping.aborted) throw stopped(name);
      call.end();
      finish();
    } catch (error) {
      // Sent after the messages that were written before it.
      call.emit("error", toServiceError(error));
      finish(error);
    }
  };
}

async function send(
  call: ServerWritableStream<object, object>,
  messages: AsyncIterable<object>,
  signal: AbortSignal,
): Promise<void> {
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

function stopped(name: string): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: name,
    object: "",
    reason: "the daemon is stopping",
    hint: "call again when it is back",
  });
}
