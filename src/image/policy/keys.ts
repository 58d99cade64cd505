import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { crypto as sigstore } from "@sigstore/core";
import { LichenError } from "../../errors.ts";
import type { Signed } from "./document.ts";

/** The public keys of a requirement, any of which will do. FAILED_PRECONDITION for a file or text that is no key. */
export async function keysOf(requirement: Signed): Promise<KeyObject[]> {
  const { keyPath, keyPaths = [], keyData, keyDatas = [] } = requirement;
  const files = keyPath === undefined ? keyPaths : [keyPath];
  const texts = keyData === undefined ? keyDatas : [keyData];
  const fromFiles = files.map(async (file) => parse(await read(file), file));
  const inPlace = texts.map((text, at) => parse(Buffer.from(text, "base64").toString(), `keyData ${at + 1}`));
  return [...(await Promise.all(fromFiles)), ...inPlace];
}

/** Whether one of the keys has signed these bytes: ECDSA and RSA (PKCS #1 v1.5) over SHA-256, Ed25519 over the bytes themselves. */
export function isSignedBy(keys: readonly KeyObject[], payload: Uint8Array, signature: Buffer): boolean {
  const data = Buffer.from(payload);
  return keys.some((key) => {
    const algorithm = key.asymmetricKeyType === "ed25519" ? undefined : "sha256";
    return sigstore.verify(data, key, signature, algorithm);
  });
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unusable(file, String((error as NodeJS.ErrnoException).code));
  }
}

function parse(text: string, object: string): KeyObject {
  if (!text.trimStart().startsWith("-----BEGIN PUBLIC KEY-----"))
    throw unusable(object, "it is no public key in PEM form");
  try {
    return sigstore.createPublicKey(text.trimStart());
  } catch (error) {
    throw unusable(object, error instanceof Error ? error.message : String(error));
  }
}

function unusable(object: string, reason: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "read key of signature policy",
    object,
    reason,
    hint: "give a public key in PEM form, as `cosign generate-key-pair` writes it to cosign.pub",
  });
}
