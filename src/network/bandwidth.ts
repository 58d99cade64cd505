import { LichenError } from "../errors.ts";

/** The annotations by which Kubernetes asks for a pod's bandwidth. */
const annotations = {
  ingress: "kubernetes.io/ingress-bandwidth",
  egress: "kubernetes.io/egress-bandwidth",
} as const;

/** Bits a second to a pod and from it; 0: no limit. */
export interface Bandwidth {
  ingressBits: number;
  egressBits: number;
}

const suffixes: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** What Kubernetes itself allows: https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/ */
const least = 1e3;
const most = 1e15;

/** The limits that a pod's annotations ask for, as Kubernetes quantities of bits a second (`10M`). INVALID_ARGUMENT for anything else. */
export function bandwidthOf(pod: Readonly<Record<string, string>>): Bandwidth {
  return {
    ingressBits: bits(annotations.ingress, pod[annotations.ingress]),
    egressBits: bits(annotations.egress, pod[annotations.egress]),
  };
}

function bits(annotation: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const [, number, suffix = ""] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(text.trim()) ?? [];
  const value = Math.floor(Number(number) * (suffixes[suffix] ?? Number.NaN));
  if (value >= least && value <= most) return value;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "check pod sandbox",
    object: `annotation ${annotation} ${text}`,
    reason: "not a bandwidth between 1k and 1P bits a second, such as 10M",
  });
}
