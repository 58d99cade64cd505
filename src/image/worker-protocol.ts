import { asLichenError, type ErrorFields, LichenError } from "../errors.ts";
import type { LayerSettlement } from "../native/layer.ts";
import type { LayerContent, UnpackedLayer } from "./layer/unpack.ts";
import type { ClientState } from "./registry/client.ts";

/** What a worker can be asked to do: the things that take long or block. */
export type Task =
  | { kind: "unpack"; client: ClientState; content: LayerContent; directory: string; singleOwner: boolean }
  | { kind: "settle"; settlement: LayerSettlement }
  | { kind: "sync"; path: string }
  | { kind: "remove"; path: string };

/** What each kind of task gives back. */
export interface TaskResult {
  unpack: UnpackedLayer;
  settle: undefined;
  sync: undefined;
  remove: undefined;
}

/** To a worker: a task, or the wish that the present one end. */
export type Request = { task: Task } | "abort";

/** From a worker, once a task. Errors lose their class on the way between threads, so their parts travel. */
export type Reply = { value: unknown } | { error: ErrorFields };

export function toFields(error: unknown): ErrorFields {
  const { code, operation, object, reason, hint } = asLichenError(error);
  return { code, operation, object, reason, ...(hint === undefined ? {} : { hint }) };
}

export function fromFields(fields: ErrorFields): LichenError {
  return new LichenError(fields);
}
