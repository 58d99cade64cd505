import type { NamespaceMode } from "#cri";
import { timed } from "../support/statistics.ts";
import type { Target } from "../support/target.ts";

let counter = 0;

/** Milliseconds of RunPodSandbox and StopPodSandbox of a pod without containers, with a network of its own or on the node's. */
export async function sandboxLife(
  target: Target,
  network: NamespaceMode,
): Promise<{ run: number; stop: number }> {
  const name = `bench-network-${process.pid}-${counter++}`;
  const config = {
    metadata: { name, namespace: "bench", uid: name, attempt: 0 },
    logDirectory: `${target.logs}/${name}`,
    linux: { cgroupParent: `/pods/${name}`, securityContext: { namespaceOptions: { network } } },
  };
  const { client } = target;
  const [run, { podSandboxId }] = await timed(() =>
    client.runPodSandbox({ config, runtimeHandler: target.handler }),
  );
  const [stop] = await timed(() => client.stopPodSandbox({ podSandboxId }));
  await client.removePodSandbox({ podSandboxId });
  return { run, stop };
}
