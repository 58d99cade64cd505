import { type CommandRequest, runCommand } from "./command.ts";
import { choose, commandChannels, listed } from "./negotiation.ts";
import { refuse, type ServeContext, type Upgrade } from "./upgrade.ts";
import { ChannelConnection } from "./websocket/connection.ts";
import { upgradeToWebSocket } from "./websocket/upgrade.ts";

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** Bytes that wait in front of a command's stdin before the client's connection is no longer read from. */
const highWaterMark = 256 * 1024;

/** remotecommand over WebSocket: a channel each for stdin, stdout, stderr, error and resize, numbered as descriptors are. */
export function serveCommandOverWebSocket(
  entry: CommandRequest,
  { request, socket, head }: Upgrade,
  { handlers, limits }: ServeContext,
): void {
  const wanted = listed(request, "sec-websocket-protocol");
  const supported = [...commandChannels.keys()];
  const protocol = wanted.length === 0 ? "" : choose(wanted, supported);
  const form = protocol === undefined ? undefined : commandChannels.get(protocol);
  if (protocol === undefined || form === undefined) {
    refuse(socket, 403, `the client supports ${wanted.join(", ")}, the server ${supported.join(", ")}`);
    return;
  }
  upgradeToWebSocket(request, socket, head, { protocol, maximumMessage: limits.message }, (upgraded) => {
    const gone = new AbortController();
    const connection = new ChannelConnection(upgraded, socket, {
      channels: 5,
      binary: form.binary,
      closes: form.closes,
      highWaterMark,
      idle: limits.idle,
      onClose: () => gone.abort("the client is gone"),
    });
    const { stdin, stdout, stderr } = entry.request;
    for (const name of ["stdout", "stderr", "error"] as const) connection.channel(channel[name]).resume();
    if (!stdin) connection.channel(channel.stdin).resume();
    // An empty message on the first channel that can be written tells the client that the session stands.
    const first = stdout ? channel.stdout : stderr ? channel.stderr : channel.error;
    connection.sendMessage(first, Buffer.alloc(0), () => {});
    const channels = {
      ...(stdin ? { stdin: connection.channel(channel.stdin) } : {}),
      ...(stdout ? { stdout: connection.channel(channel.stdout) } : {}),
      ...(stderr ? { stderr: connection.channel(channel.stderr) } : {}),
      resize: connection.channel(channel.resize),
      error: connection.channel(channel.error),
      statusObject: form.statusObject,
    };
    void runCommand(entry, channels, gone.signal, handlers).then(() => connection.close());
  });
}
