import { constants } from "node:os";
import { LichenError, within } from "../../errors.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import type { PodContext } from "../context.ts";
import { signalNumber } from "../spec/stop-signal.ts";

/** How long the kernel may take to end what was killed before that counts as a failure. */
const killDeadlineMs = 10_000;

/** StopContainer: see PodService. No lock is held while waiting, so that an impatient second caller is not kept up. */
export async function stopContainer(
  context: PodContext,
  idPrefix: string,
  timeoutSeconds: number,
): Promise<void> {
  const container = context.containers.find(idPrefix);
  if (container === undefined || container.state === "exited") return;
  const { id } = container;
  try {
    if (timeoutSeconds > 0 && container.state === "running") {
      const exited = context.exits.waitFor(id, timeoutSeconds * 1000);
      await signal(
        context,
        container,
        signalNumber(container.stopSignal) ?? constants.signals.SIGTERM,
        false,
      );
      if (hasEnded(context, id) || (await exited)) return;
    }
    await killContainer(context, container);
  } catch (error) {
    throw within("stop container", id, error);
  }
}

/** Ends every process of the container at once and waits until that is so. */
export async function killContainer(context: PodContext, container: ContainerRecord): Promise<void> {
  const { id } = container;
  if (hasEnded(context, id)) return;
  const exited = context.exits.waitFor(id, killDeadlineMs);
  await signal(context, container, constants.signals.SIGKILL, true);
  if (hasEnded(context, id) || (await exited)) return;
  throw new LichenError({
    code: "DEADLINE_EXCEEDED",
    operation: "kill container",
    object: id,
    reason: `it has not ended ${killDeadlineMs} ms after SIGKILL`,
    hint: "a process may be stuck in the kernel, waiting for a device or file system",
  });
}

function hasEnded(context: PodContext, id: string): boolean {
  const state = context.containers.exact(id)?.state;
  return state === undefined || state === "exited";
}

/** What a signal is answered with when the container has ended, or its pod with it: told in a moment, if it has not been yet. */
const endedCodes = ["UNAVAILABLE", "FAILED_PRECONDITION", "NOT_FOUND"];

/** Sends a signal; a container that ends at this very moment has what it should. */
async function signal(
  context: PodContext,
  container: ContainerRecord,
  number: number,
  all: boolean,
): Promise<void> {
  try {
    await context.monitors.get(container.sandboxId).signal(container.id, number, all);
  } catch (error) {
    if (!(error instanceof LichenError) || !endedCodes.includes(error.code)) throw error;
  }
}
