import { misuse } from "../context.ts";
import { DetachKeys } from "./detach-keys.ts";
import type { SessionStreams } from "./session.ts";

export interface TerminalOptions {
  interactive: boolean;
  tty: boolean;
  /** Whether ctrl-p ctrl-q leave the command running. */
  detachable: boolean;
}

/** This process's own streams for a session, and what brings its terminal back to what it was. */
export interface OwnStreams {
  streams: SessionStreams;
  restore(): void;
}

/** INVALID_ARGUMENT when a terminal is wanted and there is none. */
export function requireTerminal(
  operation: string,
  { interactive, tty }: { interactive: boolean; tty: boolean },
): void {
  if (tty && interactive && !process.stdin.isTTY) {
    throw misuse(operation, "-t", "standard input is no terminal", "leave -t out: -i alone passes it on");
  }
}

/** Throws as requireTerminal. */
export function ownStreams(operation: string, options: TerminalOptions): OwnStreams {
  const { stdin, stdout, stderr } = process;
  const { interactive, tty, detachable } = options;
  requireTerminal(operation, options);
  const detach = new AbortController();
  const raw = tty && interactive;
  if (raw) stdin.setRawMode(true);
  const listeners: (() => void)[] = [];
  const streams: SessionStreams = {
    stdout,
    ...(tty ? {} : { stderr }),
    ...(interactive
      ? { stdin: raw && detachable ? stdin.pipe(new DetachKeys(() => detach.abort())) : stdin }
      : {}),
    detach: detach.signal,
    ...(tty
      ? {
          onSize: (listener) => {
            const tell = () => listener(stdout.columns ?? 80, stdout.rows ?? 24);
            stdout.on("resize", tell);
            listeners.push(tell);
            tell();
          },
        }
      : {}),
  };
  const restore = () => {
    for (const tell of listeners) stdout.off("resize", tell);
    if (raw) stdin.setRawMode(false);
    // Else it would keep this process alive. A file has no unref, and no need of it.
    stdin.pause();
    (stdin as { unref?: () => void }).unref?.();
  };
  return { streams, restore };
}
