import { connect, type Socket } from "node:net";
import { LichenError } from "../../errors.ts";
import { connectedSocket, type Fd, readingTo, type SocketMemory } from "../../native/fd.ts";

/**
 * Makes a TCP connection and gives its descriptor away; rejects with a LichenError. The daemon lives in a network of its
 * own, while registries on the user's loopback, in VPNs and behind the user's resolver are reachable from the host's.
 */
export type Dial = (host: string, port: number) => Promise<Fd>;

/**
 * A connection, made by `dial`, or without it in the process's own network. UNAVAILABLE also when `timeoutMs` are over. `memory`: what it
 * reads to, where that is to be used again.
 */
export async function openSocket(
  dial: Dial | undefined,
  host: string,
  port: number,
  timeoutMs: number,
  memory?: SocketMemory,
): Promise<Socket> {
  const socket = await within(
    timeoutMs,
    dial === undefined
      ? connectHere(host, port, memory)
      : dial(host, port).then((fd) => connectedSocket(fd, memory)),
    (late) => late.destroy(),
    () => unreachable(host, port, `no connection within ${timeoutMs / 1000} s`),
  ).catch((error: unknown) => {
    throw unreachable(host, port, error instanceof Error ? error.message : String(error), error);
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  return socket;
}

/** What `promise` gives within a time; what comes later is let go of by `discard`. */
export async function within<T>(
  milliseconds: number,
  promise: Promise<T>,
  discard: (late: T) => void,
  failure: () => Error,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      promise.then(discard, () => {});
      reject(failure());
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

function connectHere(host: string, port: number, memory: SocketMemory | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = readingTo(memory, (options) => connect({ host, port, ...options }));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function unreachable(host: string, port: number, reason: string, cause?: unknown): LichenError {
  if (cause instanceof LichenError && cause.operation === "connect to") return cause;
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "connect to",
    object: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    reason,
    hint: "check that the registry runs and can be reached from this node (name, port, proxy)",
    cause,
  });
}
