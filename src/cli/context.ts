import type { Command } from "commander";
import type { CriClient, ImagesClient } from "../../proto/client.ts";
import { LichenError } from "../errors.ts";
import { json, table } from "./output.ts";
import { socketOf } from "./socket.ts";

/** What every command has: the global options, the daemon's client, and the two ways of printing. */
export interface Context {
  client: CriClient;
  /** The client of lichen's own service for images. */
  images(): ImagesClient;
  /** Prints `value` as JSON when that was asked for, else `rows` as a table. */
  print(value: unknown, header: string[], rows: () => string[][]): void;
}

export interface GlobalOptions {
  address?: string;
  runtimeDir?: string;
  output?: "table" | "json";
  debug?: boolean;
}

/**
 * Connects to the daemon, runs `action` and lets go of the connection. gRPC is loaded only here, so that commands which do not need it
 * (`--help`, `version`, `enter`) start at once.
 */
export async function withDaemon(
  command: Command,
  action: (context: Context) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const { connectCri, connectImages } = await import("../../proto/client.ts");
  const client = connectCri(socketOf(options));
  let imagesClient: ImagesClient | undefined;
  const images = () => {
    imagesClient ??= connectImages(socketOf(options));
    return imagesClient;
  };
  const print: Context["print"] = (value, header, rows) => {
    process.stdout.write(options.output === "json" ? json(value) : table(header, rows()));
  };
  try {
    await action({ client, images, print });
  } finally {
    imagesClient?.close();
    client.close();
  }
}

/** Does `work` with each name, whatever becomes of the others, as docker and podman do; then fails with all failures. */
export async function withEach(
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const name of names) await work(name).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures);
}

/** An error about how a command was called. */
export function misuse(operation: string, object: string, reason: string, hint: string): LichenError {
  return new LichenError({ code: "INVALID_ARGUMENT", operation, object, reason, hint });
}
