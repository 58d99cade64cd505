import { LichenError, within } from "../../errors.ts";
import { nativeCode } from "../../native/failure.ts";
import { now, type PodContext } from "../context.ts";
import { orPodEnd } from "../pod-end.ts";

/** What a shell answers for a command that is not there, and for one that is no program. */
const exitCodes: Record<string, number> = {
  ENOENT: 127,
  ENOTDIR: 127,
  EACCES: 126,
  ENOEXEC: 126,
  EISDIR: 126,
};
const otherExitCode = 128;

/** StartContainer: see PodService. */
export async function startContainer(context: PodContext, idPrefix: string): Promise<void> {
  const { id } = context.containers.get(idPrefix);
  await context.locks.run(id, async () => {
    const container = context.containers.get(id);
    if (container.state !== "created") {
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "start container",
        object: id,
        reason: `it is ${container.state}`,
        hint: "a container starts once: create another",
      });
    }
    await context.exits.whileStarting(id, async () => {
      try {
        const { sandboxId } = container;
        const start = async () => context.monitors.get(sandboxId).start(id);
        const { startedAt } = await orPodEnd(context, sandboxId, start);
        // The pod may have been stopped meanwhile, and the container with it.
        const ended = context.containers.exact(id)?.state === "exited";
        context.containers.update(id, {
          startedAt: BigInt(startedAt),
          ...(ended ? {} : { state: "running" }),
        });
      } catch (error) {
        const failure = within("start container", id, error);
        notStarted(context, id, failure, nativeCode(error));
        throw failure;
      }
    });
  });
}

/** A container whose command could not be executed has ended, with the codes that shells use. */
function notStarted(context: PodContext, id: string, failure: LichenError, code: string | undefined): void {
  const container = context.containers.exact(id);
  // What was killed at its gate, or died with its pod, is told by its exit.
  if (container?.state !== "created" || failure.code === "UNAVAILABLE" || code === "NOT_CREATED") return;
  const exitCode = code === undefined ? undefined : exitCodes[code];
  context.containers.update(id, {
    state: "exited",
    pid: 0,
    finishedAt: container.finishedAt === 0n ? now() : container.finishedAt,
    exitCode: exitCode ?? otherExitCode,
    reason: exitCode === undefined ? "StartError" : "ContainerCannotRun",
    message: failure.message,
  });
  context.exits.notify(id);
}
