import type { Outgoing, PodSandboxConfig } from "#cri";
import { ContainerState, NamespaceMode, PodSandboxState } from "#cri";
import type { LichenNode } from "./node.ts";
import { podConfig } from "./pods.ts";

/** gRPC statuses as numbers: https://grpc.io/docs/guides/status-codes/ */
export const codes = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
} as const;

/** One pod of one name, and in it one container of one name: `generation` tells one from the next of that name. */
export interface Life {
  pod: { generation: number; state: "gone" | "ready" | "notready" };
  container: { generation: number; state: "absent" | "created" | "running" | "exited" };
}

/** Which pod and container a call is meant for: those there were when it was sent. */
export interface Target {
  pod: number;
  container: number;
}

export const calls = [
  "runPodSandbox",
  "stopPodSandbox",
  "removePodSandbox",
  "podSandboxStatus",
  "podSandboxStats",
  "createContainer",
  "startContainer",
  "stopContainer",
  "removeContainer",
  "containerStatus",
  "containerStats",
  "updateContainerResources",
  "reopenContainerLog",
  "execSync",
] as const;
export type Call = (typeof calls)[number];

/** What one call answers and makes of a life, when nothing else happens: the contract as a table. */
export function apply(life: Life, call: Call, target: Target): { code: number; life: Life } {
  const pod = life.pod.generation === target.pod ? life.pod.state : "gone";
  const container = life.container.generation === target.container ? life.container.state : "absent";
  const answer = (code: number, change: Partial<Life> = {}) => ({ code, life: { ...life, ...change } });
  const ofContainer = (state: Life["container"]["state"]) => ({ container: { ...life.container, state } });
  const dead =
    life.container.state === "created" || life.container.state === "running" ? ofContainer("exited") : {};

  switch (call) {
    case "runPodSandbox":
      if (life.pod.state !== "gone") return answer(codes.alreadyExists);
      return answer(codes.ok, { pod: { generation: life.pod.generation + 1, state: "ready" } });
    case "stopPodSandbox":
      if (pod !== "ready") return answer(codes.ok);
      return answer(codes.ok, { pod: { ...life.pod, state: "notready" }, ...dead });
    case "removePodSandbox":
      if (pod === "gone") return answer(codes.ok);
      return answer(codes.ok, { pod: { ...life.pod, state: "gone" }, ...ofContainer("absent") });
    case "podSandboxStatus":
    case "podSandboxStats":
      return answer(pod === "gone" ? codes.notFound : codes.ok);
    case "createContainer":
      if (pod === "gone") return answer(codes.notFound);
      if (pod === "notready") return answer(codes.failedPrecondition);
      if (life.container.state !== "absent") return answer(codes.alreadyExists);
      return answer(codes.ok, {
        container: { generation: life.container.generation + 1, state: "created" },
      });
    case "startContainer":
      if (container === "absent") return answer(codes.notFound);
      if (container !== "created") return answer(codes.failedPrecondition);
      return answer(codes.ok, ofContainer("running"));
    case "stopContainer":
      return answer(
        codes.ok,
        container === "created" || container === "running" ? ofContainer("exited") : {},
      );
    case "removeContainer":
      return answer(codes.ok, container === "absent" ? {} : ofContainer("absent"));
    case "containerStatus":
    case "containerStats":
      return answer(container === "absent" ? codes.notFound : codes.ok);
    case "updateContainerResources":
      if (container === "absent") return answer(codes.notFound);
      return answer(container === "exited" ? codes.failedPrecondition : codes.ok);
    case "reopenContainerLog":
    case "execSync":
      if (container === "absent") return answer(codes.notFound);
      return answer(container === "running" ? codes.ok : codes.failedPrecondition);
  }
}

/** A life on a real node: sends calls, and looks at what has become of it. */
export class LiveLife {
  readonly #node: LichenNode;
  readonly #image: string;
  readonly #config: Outgoing<PodSandboxConfig>;
  /** Ids by generation. */
  readonly #pods: string[] = ["f".repeat(64)];
  readonly #containers: string[] = ["e".repeat(64)];

  constructor(node: LichenNode, image: string, name: string) {
    this.#node = node;
    this.#image = image;
    // On the node's network pods are cheap.
    const namespaceOptions = { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER };
    this.#config = podConfig(node, name, { linux: { securityContext: { namespaceOptions } } });
  }

  get target(): Target {
    return { pod: this.#pods.length - 1, container: this.#containers.length - 1 };
  }

  /** Sends a call and answers its status. */
  async send(call: Call, target: Target): Promise<number> {
    try {
      await this.#request(call, this.#pods[target.pod]!, this.#containers[target.container]!);
      return codes.ok;
    } catch (error) {
      const { code } = error as { code?: number };
      if (code === undefined) throw error;
      return code;
    }
  }

  async #request(call: Call, podSandboxId: string, containerId: string): Promise<void> {
    const { client } = this.#node;
    if (call === "runPodSandbox") {
      this.#pods.push((await client.runPodSandbox({ config: this.#config })).podSandboxId);
    } else if (call === "createContainer") {
      const config = {
        metadata: { name: "main", attempt: 0 },
        image: { image: this.#image },
        command: ["sleep", "1000"],
        logPath: "main.log",
      };
      const made = await client.createContainer({ podSandboxId, config, sandboxConfig: this.#config });
      this.#containers.push(made.containerId);
    } else if (call === "execSync") {
      await client.execSync({ containerId, cmd: ["true"], timeout: 20 });
    } else if (call === "updateContainerResources") {
      await client.updateContainerResources({ containerId, linux: { cpuShares: 200 } });
    } else if (call === "stopContainer") {
      await client.stopContainer({ containerId, timeout: 0 });
    } else if (call.includes("Sandbox")) {
      await client[call as "podSandboxStatus"]({ podSandboxId });
    } else {
      await client[call as "containerStatus"]({ containerId });
    }
  }

  /** What there is now. Throws when lists and statuses tell different things. */
  async look(): Promise<Life> {
    const { client } = this.#node;
    const { pod, container } = this.target;
    const [{ items }, { containers }] = await Promise.all([
      client.listPodSandbox({ filter: { id: this.#pods[pod]! } }),
      client.listContainers({ filter: { id: this.#containers[container]! } }),
    ]);
    const [listedPod, listed] = [items[0], containers[0]];
    const status = listed && (await client.containerStatus({ containerId: listed.id })).status;
    if (status?.state !== listed?.state)
      throw new Error(`the list says ${listed?.state}, the status ${status?.state}`);
    const states = new Map<ContainerState | undefined, Life["container"]["state"]>([
      [undefined, "absent"],
      [ContainerState.CONTAINER_CREATED, "created"],
      [ContainerState.CONTAINER_RUNNING, "running"],
      [ContainerState.CONTAINER_EXITED, "exited"],
    ]);
    const ready = listedPod?.state === PodSandboxState.SANDBOX_READY ? "ready" : "notready";
    return {
      pod: { generation: pod, state: listedPod === undefined ? "gone" : ready },
      container: { generation: container, state: states.get(listed?.state) ?? "absent" },
    };
  }
}
