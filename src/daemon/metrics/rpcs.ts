import type { Family, Sample } from "./exposition.ts";

/** Upper bounds in seconds: from a read to a long pull. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

interface Latency {
  /** Calls that took at most each bound but longer than the one before. */
  buckets: number[];
  seconds: number;
  calls: number;
}

/** How many calls each RPC had, how they ended and how long they took. */
export class RpcMetrics {
  readonly #latencies = new Map<string, Latency>();
  readonly #ends = new Map<string, { rpc: string; code: string; calls: number }>();

  /** `code` is OK, or the name of a gRPC status. */
  observe(rpc: string, milliseconds: number, code: string): void {
    const seconds = milliseconds / 1000;
    const latency = this.#latencies.get(rpc) ?? { buckets: bounds.map(() => 0), seconds: 0, calls: 0 };
    const bucket = bounds.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) latency.buckets[bucket]!++;
    latency.seconds += seconds;
    latency.calls++;
    this.#latencies.set(rpc, latency);
    const key = `${rpc} ${code}`;
    const end = this.#ends.get(key) ?? { rpc, code, calls: 0 };
    end.calls++;
    this.#ends.set(key, end);
  }

  families(): Family[] {
    return [
      {
        name: "lichen_rpcs_total",
        help: "Calls of CRI by RPC and gRPC status.",
        type: "counter",
        samples: [...this.#ends.values()].map(({ rpc, code, calls }) => ({
          labels: { rpc, code },
          value: calls,
        })),
      },
      {
        name: "lichen_rpc_duration_seconds",
        help: "Time from a call of CRI to its answer.",
        type: "histogram",
        samples: [...this.#latencies].flatMap(([rpc, latency]) => histogram(rpc, latency)),
      },
    ];
  }
}

function histogram(rpc: string, { buckets, seconds, calls }: Latency): Sample[] {
  let below = 0;
  const bucketSamples = bounds.map((bound, index) => {
    below += buckets[index] ?? 0;
    return { suffix: "_bucket", labels: { rpc, le: String(bound) }, value: below };
  });
  return [
    ...bucketSamples,
    { suffix: "_bucket", labels: { rpc, le: "+Inf" }, value: calls },
    { suffix: "_sum", labels: { rpc }, value: seconds },
    { suffix: "_count", labels: { rpc }, value: calls },
  ];
}
