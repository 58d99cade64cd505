import { Signal } from "#cri";

/** CRI's name for a signal as the image format and kill(1) write it: `SIGTERM`, `TERM`, `SIGRTMIN+3`. */
export function signalOf(name: string): Signal {
  const bare = name.replace(/^SIG/, "").replace("+", "PLUS").replace("-", "MINUS");
  return Signal[`SIGNAL_SIG${bare}` as keyof typeof Signal] ?? Signal.SIGNAL_RUNTIME_DEFAULT;
}
