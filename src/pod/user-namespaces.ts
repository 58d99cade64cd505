import type { IdExtent, IdMap } from "../native/id-map.ts";
import { tryUserNamespace } from "../native/user-namespaces.ts";
import type { Condition } from "./types.ts";

/** The kubelet gives every pod 65,536 ids, the first 65,536 being the node's own. */
const idsOfOnePod = 65_536;

/** Whether pods can have user namespaces of their own on this node. */
export interface UserNamespaceSupport {
  supported: boolean;
  /** For people, when not supported. */
  condition: Condition | undefined;
}

/** Finds it out: by trying in the kernel, and by counting the node's ids. */
export async function userNamespaceSupport(node: IdMap & { single: boolean }): Promise<UserNamespaceSupport> {
  const count = Math.min(consecutive(node.uids), consecutive(node.gids));
  if (node.single || count < 2 * idsOfOnePod) {
    return unsupported(
      "TooFewIds",
      `pods can have no user namespaces of their own: ${count} ids are mapped, ${2 * idsOfOnePod} are the least ` +
        "(`lichen doctor` says how to get more)",
    );
  }
  const refused = await tryUserNamespace();
  if (refused === undefined) return { supported: true, condition: undefined };
  return unsupported("KernelRefuses", `pods can have no user namespaces of their own: ${refused}`);
}

/** Ids from 0 on without a gap. */
function consecutive(extents: readonly IdExtent[]): number {
  let next = 0;
  for (const [inside, , length] of [...extents].sort(([one], [other]) => one - other)) {
    if (inside === next) next += length;
  }
  return next;
}

function unsupported(reason: string, message: string): UserNamespaceSupport {
  return { supported: false, condition: { type: "PodUserNamespaces", ok: false, reason, message } };
}
