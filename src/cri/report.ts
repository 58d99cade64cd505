import { asLichenError, type Code } from "../errors.ts";
import type { Log } from "../pod/types.ts";

/** Begins to measure a call of an RPC; what it gives is called at the end, with the failure if there was one. */
export type RpcReport = (rpc: string) => (failure?: unknown) => void;

/** Is told of every call that has ended; `code` is OK or one of ours. */
export type RpcObserver = (rpc: string, milliseconds: number, code: Code | "OK") => void;

/** Calls are logged with the time they took. INTERNAL is a fault of ours and has its stack; the rest is the caller's answer. */
export function reportTo(log: Log, observe: RpcObserver = () => {}): RpcReport {
  return (rpc) => {
    const began = performance.now();
    return (failure) => {
      const ms = Math.round((performance.now() - began) * 100) / 100;
      const { code, message } =
        failure === undefined ? { code: "OK" as const, message: "" } : asLichenError(failure);
      observe(rpc, ms, code);
      if (failure === undefined) return log.debug({ rpc, ms }, "answered");
      if (code === "INTERNAL") log.error({ rpc, ms, code, err: failure }, message);
      else log.info({ rpc, ms, code }, message);
    };
  };
}
