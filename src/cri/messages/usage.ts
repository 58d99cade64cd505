import type { CpuUsage, IoUsage, MemoryUsage, Outgoing, PsiStats, SwapUsage } from "#cri";
import type { Pressure, PressureLine, Usage } from "../../pod/service.ts";
import { halves } from "./halves.ts";

type TimedUsage = Pick<Usage, "cpu" | "memory" | "swap" | "io"> & {
  timestamp: bigint;
  nanoCores: bigint | undefined;
};

export function cpuMessage({ cpu, timestamp, nanoCores }: TimedUsage): Outgoing<CpuUsage> | undefined {
  return (
    cpu && {
      timestamp: halves(timestamp),
      usageCoreNanoSeconds: { value: halves(cpu.usageNanoseconds) },
      usageNanoCores: nanoCores === undefined ? undefined : { value: halves(nanoCores) },
      psi: pressureMessage(cpu.pressure),
    }
  );
}

export function memoryMessage({ memory, timestamp }: TimedUsage): Outgoing<MemoryUsage> | undefined {
  return (
    memory && {
      timestamp: halves(timestamp),
      workingSetBytes: { value: memory.workingSetBytes },
      usageBytes: { value: memory.usageBytes },
      rssBytes: { value: memory.rssBytes },
      pageFaults: { value: memory.pageFaults },
      majorPageFaults: { value: memory.majorPageFaults },
      availableBytes: memory.availableBytes === undefined ? undefined : { value: memory.availableBytes },
      psi: pressureMessage(memory.pressure),
    }
  );
}

export function swapMessage({ swap, timestamp }: TimedUsage): Outgoing<SwapUsage> | undefined {
  return (
    swap && {
      timestamp: halves(timestamp),
      swapUsageBytes: { value: swap.usageBytes },
      swapAvailableBytes: swap.availableBytes === undefined ? undefined : { value: swap.availableBytes },
    }
  );
}

export function ioMessage({ io, timestamp }: TimedUsage): Outgoing<IoUsage> | undefined {
  return io && { timestamp: halves(timestamp), psi: pressureMessage(io.pressure) };
}

function pressureMessage(pressure: Pressure | undefined): Outgoing<PsiStats> | undefined {
  return pressure && { Full: line(pressure.full), Some: line(pressure.some) };
}

function line({ totalNanoseconds, avg10, avg60, avg300 }: PressureLine) {
  return { Total: totalNanoseconds, Avg10: avg10, Avg60: avg60, Avg300: avg300 };
}
