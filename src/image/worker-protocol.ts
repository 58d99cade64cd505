import { asLichenError, type ErrorFields, LichenError } from "../errors.ts";
import type { IdMap } from "../native/id-map.ts";
import type { LayerSettlement } from "../native/layer.ts";
import type { ShiftSummary } from "../native/shift.ts";
import type { PackedLayer } from "./archive/pack-layer.ts";
import type { LayerContent, UnpackedLayer, UnpackOptions } from "./layer/unpack.ts";
import type { LayerSource } from "./source.ts";

/** What a worker can be asked to do: the things that take long or block. */
export type Task =
  | ({ kind: "unpack"; source: LayerSource; content: LayerContent } & UnpackOptions)
  | { kind: "settle"; settlement: LayerSettlement }
  | { kind: "shift"; source: string; destination: string; map: IdMap }
  | { kind: "sync"; path: string }
  /** Writes the archive of an unpacked layer to a new file. */
  | { kind: "pack"; path: string; file: string }
  | { kind: "remove"; path: string };

/** What each kind of task gives back. */
export interface TaskResult {
  unpack: UnpackedLayer;
  settle: undefined;
  shift: ShiftSummary;
  sync: undefined;
  pack: PackedLayer;
  remove: undefined;
}

/** To a worker: a task, the wish that the present one end, or the connection it asked for. */
export type Request = { task: Task } | "abort" | Dialled;

/** From a worker, once a task. Errors lose their class on the way between threads, so their parts travel. */
export type Reply = { value: unknown } | { error: ErrorFields };

/** From a worker while it unpacks, now and then: how many bytes of the layer have come. */
export interface Arrived {
  received: number;
}

/** From a worker while it is at a task: only the main thread can talk to the launcher. */
export interface DialRequest {
  dial: { id: number; host: string; port: number };
}

/** The answer: a connected socket, whose owner the worker becomes. */
export type Dialled = { dialled: number } & ({ fd: number } | { error: ErrorFields });

export function toFields(error: unknown): ErrorFields {
  const { code, operation, object, reason, hint } = asLichenError(error);
  return { code, operation, object, reason, ...(hint === undefined ? {} : { hint }) };
}

export function fromFields(fields: ErrorFields): LichenError {
  return new LichenError(fields);
}
