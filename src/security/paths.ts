/** Paths that tell about, or reach into, the kernel beyond the container: hidden unless the request says otherwise. */
export const defaultMaskedPaths: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

/** Paths that may be read but would change the kernel when written. */
export const defaultReadonlyPaths: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

export interface PathProtection {
  maskedPaths: string[];
  readonlyPaths: string[];
}

/** A privileged container has no protected paths; an empty list in the request means the defaults (the wire has no null). */
export function protectedPaths(request: {
  privileged: boolean;
  maskedPaths: string[];
  readonlyPaths: string[];
}): PathProtection {
  if (request.privileged) return { maskedPaths: [], readonlyPaths: [] };
  const orDefault = (asked: string[], byDefault: readonly string[]) =>
    asked.length > 0 ? asked : [...byDefault];
  return {
    maskedPaths: orDefault(request.maskedPaths, defaultMaskedPaths),
    readonlyPaths: orDefault(request.readonlyPaths, defaultReadonlyPaths),
  };
}
