import type { FilesystemUsage, Outgoing } from "#cri";
import { nowNanoseconds } from "../messages/times.ts";
import type { ImageRpc } from "../rpc.ts";

/**
 * Layers, and what containers have written. Both lie on one file system, which a kubelet knows by the equal mount points; with two
 * it would take the node's disk for two.
 */
export const imageFsInfo: ImageRpc<"ImageFsInfo"> = async (_request, { images, pods }) => {
  const { mountpoint, ...layers } = images.usage();
  const usage = ({ bytes, inodes }: { bytes: number; inodes: number }): Outgoing<FilesystemUsage> => ({
    timestamp: nowNanoseconds(),
    fsId: { mountpoint },
    usedBytes: { value: bytes },
    inodesUsed: { value: inodes },
  });
  return { imageFilesystems: [usage(layers)], containerFilesystems: [usage(await pods.writableUsage())] };
};
