import { type LinuxContainerSecurityContext, SupplementalGroupsPolicy } from "#cri";
import { LichenError } from "../../errors.ts";
import type { IdExtent, IdMap } from "../../native/id-map.ts";
import type { RuntimeUser } from "../../oci-runtime.ts";
import { readImageFile } from "../../security/image-file.ts";
import { resolveUser } from "../../security/users.ts";
import type { ContainerImage, NodeInfo } from "../types.ts";

/**
 * The container's user and groups. FAILED_PRECONDITION for an id that the node's user namespace does not have.
 */
export function containerUser(
  context: LinuxContainerSecurityContext | null,
  image: ContainerImage,
  node: NodeInfo["idMap"],
  pod?: IdMap,
): RuntimeUser {
  const user = resolveUser(
    {
      runAsUser: context?.runAsUser?.value,
      runAsUsername: context?.runAsUsername ?? "",
      runAsGroup: context?.runAsGroup?.value,
      supplementalGroups: context?.supplementalGroups ?? [],
      strict: context?.supplementalGroupsPolicy === SupplementalGroupsPolicy.Strict,
      imageUser: image.config.User ?? "",
    },
    {
      passwd: once(() => readImageFile(image.lower, "etc/passwd")),
      group: once(() => readImageFile(image.lower, "etc/group")),
    },
  );
  const { uids, gids } = pod ?? node;
  const whose = pod === undefined ? "node" : "pod";
  requireMapped(whose, "user", user.uid, uids);
  for (const gid of new Set([user.gid, ...user.additionalGids])) requireMapped(whose, "group", gid, gids);
  // A namespace of one id may not call setgroups(2) at all.
  return node.single ? { ...user, additionalGids: [] } : user;
}

function once<T>(read: () => T): () => T {
  let result: { value: T } | undefined;
  return () => {
    result ??= { value: read() };
    return result.value;
  };
}

function requireMapped(whose: "node" | "pod", kind: string, id: number, extents: readonly IdExtent[]): void {
  if (extents.some(([inside, , length]) => id >= inside && id < inside + length)) return;
  const count = extents.reduce((sum, [, , length]) => sum + length, 0);
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: `choose ${kind}`,
    object: String(id),
    reason: `the ${whose}'s user namespace has ${count === 1 ? "only the id 0" : `${count} ids`}, and this is none of them`,
    hint:
      whose === "pod"
        ? "give the pod a longer mapping"
        : "have (more) subordinate ids added to this user (lichen doctor says how)",
  });
}
