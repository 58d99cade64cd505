import { nowNanoseconds } from "../messages/times.ts";
import type { ImageRpc } from "../rpc.ts";

/** Layers and containers share one file system, which a kubelet knows by the equal mount points. */
export const imageFsInfo: ImageRpc<"ImageFsInfo"> = (_request, { images }) => {
  const usage = images.usage();
  const filesystem = {
    timestamp: nowNanoseconds(),
    fsId: { mountpoint: usage.mountpoint },
    usedBytes: { value: usage.bytes },
    inodesUsed: { value: usage.inodes },
  };
  return { imageFilesystems: [filesystem], containerFilesystems: [filesystem] };
};
