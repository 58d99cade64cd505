import { LichenError } from "../../errors.ts";
import type { RegistryAuth } from "../types.ts";
import type { Endpoint } from "./hosts.ts";

/** What can be shown to a registry: a name and password, a token to trade for others, or a token to use as it is. */
export type Credentials =
  | { kind: "password"; username: string; password: string }
  | { kind: "identity"; token: string }
  | { kind: "bearer"; token: string };

/** Reads the members of CRI's AuthConfig; undefined when it holds none. INVALID_ARGUMENT when `auth` is no "name:password". */
export function credentialsOf(auth: RegistryAuth | undefined): Credentials | undefined {
  if (auth === undefined) return undefined;
  if (auth.registryToken) return { kind: "bearer", token: auth.registryToken };
  if (auth.identityToken) return { kind: "identity", token: auth.identityToken };
  if (auth.username) return { kind: "password", username: auth.username, password: auth.password ?? "" };
  if (!auth.auth) return undefined;
  const text = Buffer.from(auth.auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0)
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "read credentials",
      object: "auth",
      reason: 'it is not the base64 form of "username:password"',
    });
  // Some clients end the password with NUL bytes.
  return {
    kind: "password",
    username: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/\0+$/, ""),
  };
}

/**
 * Whether credentials may be shown to an endpoint: the one that their server address names, or, without one, the
 * registry of the image's name itself. A mirror never gets what was meant for the registry.
 */
export function mayUse(auth: RegistryAuth | undefined, endpoint: Endpoint): boolean {
  if (!auth?.serverAddress) return endpoint.origin;
  const address = auth.serverAddress.includes("://") ? auth.serverAddress : `https://${auth.serverAddress}`;
  if (!URL.canParse(address)) return false;
  const { host } = new URL(address);
  const own = new URL(endpoint.url).host;
  // Docker's clients name the registry of docker.io in this way.
  return (
    host === own || (endpoint.origin && own === "registry-1.docker.io" && /^(index\.)?docker\.io$/.test(host))
  );
}
