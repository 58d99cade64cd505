import { type IDMapping, NamespaceMode, type NamespaceOption } from "#cri";
import { LichenError } from "../../errors.ts";
import { type IdExtent, type IdMap, isWithin, outerId } from "../../native/id-map.ts";
import type { RuntimeIdMapping } from "../../oci-runtime.ts";

/**
 * The map of the user namespace that a pod asks for, as ids of the node's; undefined for the node's own namespace. INVALID_ARGUMENT for
 * modes and mappings that CRI does not allow.
 */
export function podIdMap(options: NamespaceOption | null): IdMap | undefined {
  const user = options?.usernsOptions ?? null;
  if (user === null) return undefined;
  const { mode, uids, gids } = user;
  if (mode === NamespaceMode.NODE) {
    if (uids.length + gids.length === 0) return undefined;
    throw refusal(mode, "INVALID_ARGUMENT", "mappings make no sense in the node's user namespace");
  }
  if (mode !== NamespaceMode.POD) throw refusal(mode, "INVALID_ARGUMENT", "a pod's is POD or NODE");
  for (const namespace of ["network", "pid", "ipc"] as const) {
    if (options?.[namespace] === NamespaceMode.NODE) {
      throw refusal(mode, "INVALID_ARGUMENT", `it has no power over the node's ${namespace} namespace`);
    }
  }
  return { uids: extentsOf(mode, "uids", uids), gids: extentsOf(mode, "gids", gids) };
}

function extentsOf(mode: NamespaceMode, kind: string, mappings: readonly IDMapping[]): IdExtent[] {
  const [mapping] = mappings;
  if (mapping === undefined || mappings.length !== 1) {
    throw refusal(mode, "INVALID_ARGUMENT", `${kind} must hold exactly one mapping`);
  }
  if (mapping.containerId !== 0 || mapping.length === 0) {
    throw refusal(mode, "INVALID_ARGUMENT", `${kind} must map id 0 of the container`);
  }
  return [[mapping.containerId, mapping.hostId, mapping.length]];
}

/** FAILED_PRECONDITION when the node itself does not have the ids. */
export function requireNodeIds(map: IdMap, node: IdMap): void {
  for (const [kind, file, option] of [
    ["uids", "/etc/subuid", "--add-subuids"],
    ["gids", "/etc/subgid", "--add-subgids"],
  ] as const) {
    if (isWithin(map[kind], node[kind])) continue;
    const [[, first, length]] = map[kind] as [IdExtent];
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "make user namespace",
      object: `${kind} ${first} to ${first + length - 1}`,
      reason: `the node's user namespace does not have them: the range in ${file} is too short`,
      hint: `sudo usermod ${option} 100000-1148575 USER, and start lichen again`,
    });
  }
}

/** Who the map's root is on the node. */
export function rootOf(map: IdMap): { uid: number; gid: number } {
  return { uid: outerId(map.uids, 0) ?? 0, gid: outerId(map.gids, 0) ?? 0 };
}

/** A map as the OCI runtime specification writes it. */
export function idMappings(map: IdMap): { uidMappings: RuntimeIdMapping[]; gidMappings: RuntimeIdMapping[] } {
  const mappings = (extents: readonly IdExtent[]) =>
    extents.map(([containerID, hostID, size]) => ({ containerID, hostID, size }));
  return { uidMappings: mappings(map.uids), gidMappings: mappings(map.gids) };
}

/** A container lives in its pod's user namespace: its options, where there are any, must say the same. */
export function requireSameIdMap(options: NamespaceOption | null, pod: NamespaceOption | null): void {
  if ((options?.usernsOptions ?? null) === null) return;
  if (JSON.stringify(podIdMap(options)) === JSON.stringify(podIdMap(pod))) return;
  const { mode } = options!.usernsOptions!;
  throw refusal(mode, "INVALID_ARGUMENT", "the pod sandbox was made with other user namespace options");
}

/**
 * The map of a mount whose files are to be shown with other owners; undefined for one that shows them as they are. INVALID_ARGUMENT
 * for another map than the pod's own.
 */
export function mountIdMap(
  mount: { containerPath: string; uidMappings: IDMapping[]; gidMappings: IDMapping[] },
  pod: IdMap | undefined,
): IdMap | undefined {
  if (mount.uidMappings.length + mount.gidMappings.length === 0) return undefined;
  const extents = (mappings: readonly IDMapping[]): IdExtent[] =>
    mappings.map(({ containerId, hostId, length }) => [containerId, hostId, length]);
  const map = { uids: extents(mount.uidMappings), gids: extents(mount.gidMappings) };
  if (JSON.stringify(map) === JSON.stringify(pod)) return map;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "map ids of mount",
    object: mount.containerPath,
    reason:
      pod === undefined
        ? "the pod is in the node's user namespace"
        : "uid_mappings and gid_mappings are not those of the pod's user namespace",
  });
}

function refusal(mode: NamespaceMode, code: "INVALID_ARGUMENT", reason: string): LichenError {
  const name = Object.entries(NamespaceMode).find(([, value]) => value === mode)?.[0] ?? String(mode);
  return new LichenError({ code, operation: "choose namespace", object: `user ${name}`, reason });
}
