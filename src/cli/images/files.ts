import type { ReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { LichenError } from "../../errors.ts";

const chunkBytes = 256 * 1024;

/** An archive to read; NOT_FOUND and the like are told before anything else is done. */
export async function openForReading(path: string): Promise<ReadStream> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw unusable("read archive", path, error);
  });
  return file.createReadStream({ highWaterMark: chunkBytes });
}

/** Writes a file under a name beside it, and gives it its own when it is whole: a failure leaves no half archive. */
export async function writeWhole(path: string, data: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${path}.partial-${process.pid}`;
  const file = await open(partial, "wx").catch((error: unknown) => {
    throw unusable("write archive", path, error);
  });
  try {
    try {
      for await (const chunk of data) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function unusable(operation: string, path: string, error: unknown): LichenError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new LichenError({
    code: code === "ENOENT" ? "NOT_FOUND" : "FAILED_PRECONDITION",
    operation,
    object: path,
    reason: code === "ENOENT" ? "no such file or directory" : code,
    hint: "check the path and its permissions",
    cause: error,
  });
}
