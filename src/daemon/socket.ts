import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { LichenError } from "../errors.ts";

/** sizeof(sun_path) less the final NUL, unix(7). */
const longestPath = 107;

/**
 * Lets `server` listen at `path`, for the own user alone. A socket that a dead daemon left is removed; one that somebody
 * still serves is not touched: ALREADY_EXISTS.
 */
export async function listen(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > longestPath) {
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "listen",
      object: path,
      reason: `a socket's path has at most ${longestPath} bytes, this one ${Buffer.byteLength(path)}`,
      hint: "choose a shorter --runtime-dir",
    });
  }
  await removeStale(path);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error
        ? reject(
            new LichenError({
              code: "UNAVAILABLE",
              operation: "listen",
              object: path,
              reason: error.message,
            }),
          )
        : resolve(),
    );
  });
  chmodSync(path, 0o600);
}

async function removeStale(path: string): Promise<void> {
  const failure = await tryConnect(path);
  if (failure === "ENOENT") return;
  // A file that is no socket refuses connections as well.
  if (failure === "ECONNREFUSED" && lstatSync(path).isSocket()) return unlinkSync(path);
  throw new LichenError({
    code: "ALREADY_EXISTS",
    operation: "listen",
    object: path,
    reason: failure === "" ? "another daemon serves it" : `something else is there (connect: ${failure})`,
    hint: "stop the other lichen, remove what is there, or choose another --runtime-dir",
  });
}

/** The errno name of a failed connect to `path`, "" when somebody accepted. */
function tryConnect(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve("");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
