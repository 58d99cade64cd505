import { LichenError, within } from "../../errors.ts";
import { nativeCode } from "../../native/failure.ts";
import { now, type PodContext } from "../context.ts";

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
        const { startedAt } = await context.monitors.get(container.sandboxId).start(id);
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
  if (container === undefined || failure.code === "UNAVAILABLE") return;
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
