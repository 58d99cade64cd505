import * as z from "zod";
import { LichenError } from "../errors.ts";
import { digestProblem } from "./digest.ts";
import { check, parseJson } from "./manifest.ts";
import type { ImageUser, OciImageConfig } from "./types.ts";

const strings = z.array(z.string()).nullish();
const setOfNames = z.record(z.string(), z.object({}).loose()).nullish();

// Docker writes null where there is nothing, so every member may be null.
const configSchema = z.object({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().nullish(),
  created: z.string().nullish(),
  config: z
    .object({
      User: z.string().nullish(),
      Env: strings,
      Entrypoint: strings,
      Cmd: strings,
      WorkingDir: z.string().nullish(),
      StopSignal: z.string().nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      ExposedPorts: setOfNames,
      Volumes: setOfNames,
    })
    .nullish(),
  rootfs: z.object({
    type: z.literal("layers"),
    diff_ids: z.array(
      z.string().refine((text) => digestProblem(text) === undefined, { message: "not a digest" }),
    ),
  }),
});

export interface ParsedImageConfig {
  config: OciImageConfig;
  /** Digests of the uncompressed layers, bottom first. */
  diffIds: string[];
}

/** Reads an image configuration that describes `layerCount` layers. DATA_LOSS when malformed. */
export function parseImageConfig(data: Uint8Array, layerCount: number, object: string): ParsedImageConfig {
  const document = check(
    configSchema,
    parseJson(data, "image configuration", object),
    "image configuration",
    object,
  );
  const diffIds = document.rootfs.diff_ids;
  if (diffIds.length !== layerCount)
    throw new LichenError({
      code: "DATA_LOSS",
      operation: "read image configuration",
      object,
      reason: `it describes ${diffIds.length} layers, the manifest ${layerCount}`,
      hint: "the image was built wrongly; push it again",
    });
  return { config: withoutNull(document), diffIds };
}

function withoutNull(document: z.infer<typeof configSchema>): OciImageConfig {
  const { rootfs: _, config, ...head } = document;
  return { ...dropNull(head), config: dropNull(config ?? {}) } as OciImageConfig;
}

function dropNull(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== null && value !== undefined),
  );
}

/**
 * Whom the image's `User` ("uid", "uid:gid", "name", "name:group", "") means. CRI wants exactly one of uid and username
 * (api.proto, message Image); the empty user is uid 0.
 */
export function imageUser(config: OciImageConfig): ImageUser {
  const user = (config.config.User ?? "").split(":", 1)[0] ?? "";
  if (user === "") return { uid: 0 };
  return /^\d+$/.test(user) ? { uid: Number(user) } : { name: user };
}
