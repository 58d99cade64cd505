import { destination, type Logger, pino, stdTimeFunctions } from "pino";

/** The daemon's log: a JSON object a line on stderr, where systemd's journal or a terminal takes it. */
export function openLog(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: what was logged before a crash is on paper.
    destination({ dest: 2, sync: true }),
  );
}

/**
 * Logs what nobody caught as one line and ends the process: the launcher starts another daemon, which recovers. Node itself
 * would print the line of the bundle where it happened, which is half a megabyte long.
 */
export function endOnFault(log: Logger): void {
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "a fault in the daemon ends it");
    process.exit(1);
  });
}
