import { ContainerState } from "#cri";
import type { CriClient } from "../../../proto/client.ts";
import { runSession } from "./session.ts";
import { ownStreams } from "./terminal.ts";

export interface AttachOptions {
  containerId: string;
  interactive: boolean;
  tty: boolean;
  /** Called when the streams are joined, before anything of the container is waited for. */
  attached?: () => Promise<unknown>;
}

/**
 * Joins this process's own streams to a container's until it ends or the user detaches. Answers the container's exit code,
 * undefined when it runs on.
 */
export async function attachHere(client: CriClient, options: AttachOptions): Promise<number | undefined> {
  const { containerId, interactive, tty, attached } = options;
  const { url } = await client.attach({ containerId, tty, stdin: interactive, stdout: true, stderr: !tty });
  const { streams, restore } = ownStreams("attach", { interactive, tty, detachable: true });
  try {
    await runSession(url, { ...streams, ...(attached === undefined ? {} : { opened: attached }) });
  } finally {
    restore();
  }
  const { status } = await client.containerStatus({ containerId });
  return status?.state === ContainerState.CONTAINER_EXITED ? status.exitCode : undefined;
}
