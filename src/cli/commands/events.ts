import { once } from "node:events";
import type { Command } from "commander";
import { type ContainerEventResponse, ContainerEventType } from "#cri";
import { type GlobalOptions, withDaemon } from "../context.ts";
import { shortId } from "../format.ts";

/** `lichen events`: what becomes of pods and containers from now on, a line each, until it is interrupted. */
export function events(program: Command): void {
  program
    .command("events")
    .description("follow what becomes of pods and containers, until interrupted")
    .action(async (_options: object, command: Command) => {
      const asJson = command.optsWithGlobals<GlobalOptions>().output === "json";
      const end = new AbortController();
      const interrupted = (): void => end.abort();
      process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
      await withDaemon(command, async ({ client }) => {
        try {
          for await (const event of client.getContainerEvents({}, { signal: end.signal })) {
            const text = asJson ? `${JSON.stringify(event)}\n` : eventLine(event);
            // A reader that is slower than the node: we wait, and the daemon keeps what comes meanwhile.
            if (!process.stdout.write(text)) await once(process.stdout, "drain");
          }
        } catch (error) {
          if (!end.signal.aborted) throw error;
        }
      });
    });
}

/** One line: when, what kind of thing, what became of it, its id and name, and for an end how it ended. */
export function eventLine(event: ContainerEventResponse): string {
  const { containerId, podSandboxStatus: pod, containersStatuses } = event;
  const container = containersStatuses.find(({ id }) => id === containerId);
  const what = stepName(event.containerEventType);
  const words = [
    new Date(event.createdAt / 1e6).toISOString(),
    containerId === pod?.id ? "pod" : "container",
    what,
    shortId(containerId),
    ...(containerId === pod?.id
      ? [pod.metadata?.name ?? ""]
      : [container?.metadata?.name ?? "-", `pod=${pod?.metadata?.name ?? ""}`]),
    ...(what === "stopped" && container !== undefined
      ? [`exit=${container.exitCode}`, `reason=${container.reason}`]
      : []),
  ];
  return `${words.join(" ").trimEnd()}\n`;
}

/** `CONTAINER_STARTED_EVENT` → `started`. */
function stepName(value: ContainerEventType): string {
  const [name = String(value)] = Object.entries(ContainerEventType).find(([, each]) => each === value) ?? [];
  return name.replace(/^CONTAINER_|_EVENT$/g, "").toLowerCase();
}
