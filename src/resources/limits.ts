import type { LinuxContainerResources } from "#cri";
import { LichenError } from "../errors.ts";

/** One cgroup v2 file to write so that what was asked for holds. */
export interface Setting {
  /** What was asked for, in CRI's words: `memory_limit_in_bytes`. */
  asked: string;
  /** The controller that must be enabled for the file to exist. */
  controller: string;
  file: string;
  value: string;
  /**
   * A limit protects others and must hold or be refused. A preference (cpu_shares, which Kubernetes sets for every container, and
   * memory.oom.group) only says how to share or to fail: without its controller the container runs, and a condition says so. What lifts a
   * limit has nothing to do where there is no controller that could limit.
   */
  kind: "limit" | "preference" | "lift";
}

const defaultPeriod = 100_000;

/**
 * Translates CRI's resources to cgroup v2 files (kernel documentation, cgroup-v2.rst). Zero means "not asked for" throughout, as CRI has it; so
 * does a huge page limit of 0, which the kubelet sends for every page size. -1 is no limit. INVALID_ARGUMENT for a `unified` key that is no file of a controller.
 */
export function cgroupSettings(resources: LinuxContainerResources | null): Setting[] {
  if (resources === null) return [];
  return [...cpu(resources), ...memory(resources), ...hugePages(resources), ...unified(resources)];
}

function cpu(resources: LinuxContainerResources): Setting[] {
  const settings: Setting[] = [];
  if (resources.cpuShares > 0) {
    const value = String(weightOfShares(resources.cpuShares));
    settings.push({ asked: "cpu_shares", controller: "cpu", file: "cpu.weight", value, kind: "preference" });
  }
  const period = resources.cpuPeriod > 0 ? resources.cpuPeriod : defaultPeriod;
  if (resources.cpuQuota > 0) {
    const value = `${resources.cpuQuota} ${period}`;
    settings.push({ asked: "cpu_quota", controller: "cpu", file: "cpu.max", value, kind: "limit" });
  } else if (resources.cpuQuota < 0) {
    const value = `max ${period}`;
    settings.push({ asked: "cpu_quota", controller: "cpu", file: "cpu.max", value, kind: "lift" });
  }
  if (resources.cpusetCpus !== "") {
    const value = resources.cpusetCpus;
    settings.push({ asked: "cpuset_cpus", controller: "cpuset", file: "cpuset.cpus", value, kind: "limit" });
  }
  if (resources.cpusetMems !== "") {
    const value = resources.cpusetMems;
    settings.push({ asked: "cpuset_mems", controller: "cpuset", file: "cpuset.mems", value, kind: "limit" });
  }
  return settings;
}

/**
 * cgroup v1's shares (2…262144) as v2's weight (1…10000), so that the extremes meet and v1's default of 1024 is v2's of 100: the curve that
 * runc, crun and the OCI runtime specification agreed on in 2025. The straight line of before gave 1024 shares a weight of 39 only.
 */
export function weightOfShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const power = Math.log2(shares);
  const exponent = (power * power + 125 * power) / 612 - 7 / 34;
  // Rounded first: the logarithms are a hair above the whole numbers that they stand for.
  return Math.ceil(Number((10 ** exponent).toFixed(6)));
}

function memory(resources: LinuxContainerResources): Setting[] {
  const settings: Setting[] = [];
  const limit = resources.memoryLimitInBytes;
  const total = resources.memorySwapLimitInBytes;
  if (limit) {
    settings.push({
      asked: "memory_limit_in_bytes",
      controller: "memory",
      file: "memory.max",
      value: limit < 0 ? "max" : String(limit),
      kind: limit < 0 ? "lift" : "limit",
    });
  }
  if (total > 0 || total === -1) {
    // CRI counts memory and swap together, cgroup v2 counts swap alone.
    if (total > 0 && total < limit) {
      throw invalid("memory_swap_limit_in_bytes", String(total), `below memory_limit_in_bytes ${limit}`);
    }
    settings.push({
      asked: "memory_swap_limit_in_bytes",
      controller: "memory",
      file: "memory.swap.max",
      value: total === -1 ? "max" : String(total - Math.max(limit, 0)),
      kind: total === -1 ? "lift" : "limit",
    });
  }
  return settings;
}

function hugePages(resources: LinuxContainerResources): Setting[] {
  return resources.hugepageLimits
    .filter(({ limit }) => limit > 0)
    .map(({ pageSize, limit }) => {
      if (!/^\d+[KMG]B$/.test(pageSize))
        throw invalid("hugepage_limits", pageSize, "no page size such as 2MB");
      return {
        asked: `hugepage_limits ${pageSize}`,
        controller: "hugetlb",
        file: `hugetlb.${pageSize}.max`,
        value: String(limit),
        kind: "limit",
      };
    });
}

function unified(resources: LinuxContainerResources): Setting[] {
  return Object.entries(resources.unified).map(([file, value]) => {
    if (!/^[a-z]+\.[a-zA-Z0-9_.]+$/.test(file) || file.startsWith("cgroup.")) {
      throw invalid("unified", file, "no file of a cgroup v2 controller");
    }
    return {
      asked: `unified ${file}`,
      controller: file.slice(0, file.indexOf(".")),
      file,
      value,
      kind: file === "memory.oom.group" ? "preference" : "limit",
    };
  });
}

function invalid(member: string, value: string, reason: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "read resources",
    object: `${member} ${value}`,
    reason,
  });
}
