import { constants } from "node:os";
import { Signal } from "#cri";
import { LichenError } from "../../errors.ts";

const realTimeMinimum = 34;
const realTimeMaximum = 64;

/** The name of the signal that asks a container to stop: the configuration's, else the image's, else SIGTERM. */
export function stopSignal(asked: Signal, imageSignal: string | undefined): string {
  if (asked !== Signal.SIGNAL_RUNTIME_DEFAULT) {
    const [name] = Object.entries(Signal).find(([, value]) => value === asked) ?? [];
    if (name === undefined) throw unknown(String(asked), "stop_signal");
    return name
      .replace(/^SIGNAL_/, "")
      .replace("PLUS", "+")
      .replace("MINUS", "-");
  }
  if (imageSignal === undefined || imageSignal === "") return "SIGTERM";
  const upper = imageSignal.toUpperCase();
  const name = /^\d+$/.test(upper) || upper.startsWith("SIG") ? upper : `SIG${upper}`;
  // An image with a signal that means nothing still has to be stopped.
  return signalNumber(name) === undefined ? "SIGTERM" : name;
}

/** The number of a signal by name (`SIGTERM`, `SIGRTMIN+3`) or number; undefined for none. */
export function signalNumber(name: string): number | undefined {
  if (/^\d+$/.test(name)) {
    const number = Number(name);
    return number >= 1 && number <= realTimeMaximum ? number : undefined;
  }
  const realTime = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realTime !== null) {
    const offset = Number(`${realTime[2] ?? "+"}${realTime[3] ?? 0}`);
    const number = (realTime[1] === "MIN" ? realTimeMinimum : realTimeMaximum) + offset;
    return number >= realTimeMinimum && number <= realTimeMaximum ? number : undefined;
  }
  // SIGCLD is System V's name of SIGCHLD, which Node does not list.
  const known: Record<string, number> = { ...constants.signals, SIGCLD: constants.signals.SIGCHLD };
  return known[name];
}

function unknown(object: string, member: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: `read ${member}`,
    object,
    reason: "no such signal",
  });
}
