import type { RuntimeProcess, RuntimeSpec } from "../../oci-runtime.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import type { PodContext } from "../context.ts";

/** A container's spec never changes once it runs. */
const known = new WeakMap<ContainerRecord, RuntimeProcess>();

/** The container's first process as its OCI runtime spec has it; read from the store once for all commands that are run beside it. */
export function firstProcess(context: PodContext, container: ContainerRecord): RuntimeProcess {
  const process = known.get(container);
  if (process !== undefined) return process;
  const spec = JSON.parse(context.containerStore.spec(container.id) ?? "{}") as RuntimeSpec;
  known.set(container, spec.process);
  return spec.process;
}
