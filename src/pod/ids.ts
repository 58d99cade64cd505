import { randomBytes } from "node:crypto";

/** A new id of a pod or container: 64 hex digits, which is what the kubelet and cAdvisor recognise. */
export function newId(): string {
  return randomBytes(32).toString("hex");
}

/** The part of a pod's id that names its runtime directory; a socket path must stay short. */
export function shortId(id: string): string {
  return id.slice(0, 16);
}
