import type { CriClient } from "../../../proto/client.ts";
import { runSession, type SessionStreams } from "./session.ts";
import { ownStreams } from "./terminal.ts";

/** Runs a command in a container with these streams, and answers its exit code. */
export async function execWith(
  client: CriClient,
  containerId: string,
  cmd: string[],
  streams: SessionStreams,
  tty = false,
): Promise<number> {
  const wanted = { stdin: streams.stdin !== undefined, stdout: true, stderr: streams.stderr !== undefined };
  const { url } = await client.exec({ containerId, cmd, tty, ...wanted });
  return runSession(url, streams);
}

/** Runs a command with this process's own streams. */
export async function execHere(
  client: CriClient,
  containerId: string,
  cmd: string[],
  { interactive, tty }: { interactive: boolean; tty: boolean },
): Promise<number> {
  const { streams, restore } = ownStreams("exec", { interactive, tty, detachable: false });
  try {
    return await execWith(client, containerId, cmd, streams, tty);
  } finally {
    restore();
  }
}
