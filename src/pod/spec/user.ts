import { type LinuxContainerSecurityContext, SupplementalGroupsPolicy } from "#cri";
import { LichenError } from "../../errors.ts";
import type { RuntimeUser } from "../../oci-runtime.ts";
import { readImageFile } from "../../security/image-file.ts";
import { resolveUser } from "../../security/users.ts";
import type { ContainerImage } from "../types.ts";

/** The container's user and groups. FAILED_PRECONDITION for an id that the node's user namespace cannot have. */
export function containerUser(
  context: LinuxContainerSecurityContext | null,
  image: ContainerImage,
  singleId: boolean,
): RuntimeUser {
  const file = (path: string) => {
    let text: string | undefined;
    let read = false;
    return () => {
      if (!read) text = readImageFile(image.lower, path);
      read = true;
      return text;
    };
  };
  const user = resolveUser(
    {
      runAsUser: context?.runAsUser?.value,
      runAsUsername: context?.runAsUsername ?? "",
      runAsGroup: context?.runAsGroup?.value,
      supplementalGroups: context?.supplementalGroups ?? [],
      strict: context?.supplementalGroupsPolicy === SupplementalGroupsPolicy.Strict,
      imageUser: image.config.User ?? "",
    },
    { passwd: file("etc/passwd"), group: file("etc/group") },
  );
  if (!singleId) return user;
  const foreign = [user.uid, user.gid, ...(context?.supplementalGroups ?? [])].find((id) => id !== 0);
  if (foreign === undefined) return { ...user, additionalGids: [] };
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "choose user",
    object: `id ${foreign}`,
    reason: "only id 0 exists in the node's user namespace, since this user has no subordinate ids",
    hint: "have subordinate ids added (lichen doctor says how)",
  });
}
