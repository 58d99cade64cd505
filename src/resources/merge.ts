import type { LinuxContainerResources } from "#cri";

/** What holds after an update: what the change does not ask for (zero, as CRI has it) stays as it is. */
export function mergeResources(
  present: LinuxContainerResources | null,
  change: LinuxContainerResources,
): LinuxContainerResources {
  if (present === null) return change;
  const sizes = new Set(change.hugepageLimits.map(({ pageSize }) => pageSize));
  return {
    cpuPeriod: change.cpuPeriod || present.cpuPeriod,
    cpuQuota: change.cpuQuota || present.cpuQuota,
    cpuShares: change.cpuShares || present.cpuShares,
    memoryLimitInBytes: change.memoryLimitInBytes || present.memoryLimitInBytes,
    oomScoreAdj: change.oomScoreAdj || present.oomScoreAdj,
    cpusetCpus: change.cpusetCpus || present.cpusetCpus,
    cpusetMems: change.cpusetMems || present.cpusetMems,
    hugepageLimits: [
      ...present.hugepageLimits.filter(({ pageSize }) => !sizes.has(pageSize)),
      ...change.hugepageLimits,
    ],
    unified: { ...present.unified, ...change.unified },
    memorySwapLimitInBytes: change.memorySwapLimitInBytes || keptSwapTotal(present, change),
  };
}

/** CRI limits memory and swap together: when only memory changes, the swap of before stays allowed. */
function keptSwapTotal(present: LinuxContainerResources, change: LinuxContainerResources): number {
  const total = present.memorySwapLimitInBytes;
  if (total <= 0 || present.memoryLimitInBytes <= 0 || change.memoryLimitInBytes <= 0) return total;
  return total - present.memoryLimitInBytes + change.memoryLimitInBytes;
}
