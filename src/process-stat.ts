/** A process's line in /proc, /proc/PID/stat. Fields are numbered as in proc_pid_stat(5); "0" for one that an older kernel does not tell. */
export type ProcessStat = (field: number) => string;

/**
 * The fields from the third (state) on. The second, the command's name, is in parentheses and may hold anything. Each is cut out when asked
 * for: of thousands of processes a few figures each are wanted.
 */
export function parseProcessStat(text: string): ProcessStat {
  const third = text.lastIndexOf(")") + 2;
  return (field) => {
    let start = third;
    for (let left = field - 3; left > 0; left--) {
      const space = text.indexOf(" ", start);
      if (space < 0) return "0";
      start = space + 1;
    }
    const end = text.indexOf(" ", start);
    return text.slice(start, end < 0 ? undefined : end) || "0";
  };
}

/** Their numbers. */
export const statField = {
  state: 3,
  minorFaults: 10,
  majorFaults: 12,
  userTicks: 14,
  systemTicks: 15,
  childrenUserTicks: 16,
  childrenSystemTicks: 17,
  threads: 20,
  /** In clock ticks since the machine's start: tells a process from a later one with its number. */
  startTime: 22,
  residentPages: 24,
} as const;

/** Clock ticks a second, on every architecture that Node runs on (sysconf(3), _SC_CLK_TCK). */
export const ticksPerSecond = 100;
