import type { Command } from "commander";
import { ContainerState, PodSandboxState } from "#cri";
import type { CriClient } from "../../../proto/client.ts";
import { LichenError } from "../../errors.ts";
import { withDaemon } from "../context.ts";
import { withStateNames } from "../format.ts";
import { json } from "../output.ts";
import { findTarget } from "../targets.ts";

/** `lichen inspect NAME`: everything that CRI's verbose status says about a container, a pod or an image, as JSON. */
export function inspect(program: Command): void {
  program
    .command("inspect")
    .description("show everything about a container, a pod or an image, as JSON")
    .argument("<name>", "name or id")
    .action(async (name: string, _options: object, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        process.stdout.write(json(await status(client, name)));
      });
    });
}

async function status(client: CriClient, name: string): Promise<object> {
  try {
    const { pod, container } = await findTarget(client, name);
    if (container) {
      const { status, info } = await client.containerStatus({ containerId: container.id, verbose: true });
      return { status: withStateNames(ContainerState, status ? [status] : [])[0], info: unfold(info) };
    }
    const { status, info } = await client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
    return { status: withStateNames(PodSandboxState, status ? [status] : [])[0], info: unfold(info) };
  } catch (error) {
    if (!(error instanceof LichenError) || error.code !== "NOT_FOUND") throw error;
    return (await imageDetails(client, name)) ?? Promise.reject(error);
  }
}

/** Everything about an image; undefined when there is none of this name. */
export async function imageDetails(client: CriClient, name: string): Promise<object | undefined> {
  const answer = await client.imageStatus({ image: { image: name }, verbose: true });
  return answer.image ? { status: answer.image, info: unfold(answer.info) } : undefined;
}

/** The values of `info` are JSON documents as strings; people want to read them in place. */
function unfold(info: Record<string, string>): Record<string, unknown> {
  const parsed = Object.entries(info).map(([key, value]) => {
    try {
      return [key, JSON.parse(value) as unknown];
    } catch {
      return [key, value];
    }
  });
  return Object.fromEntries(parsed) as Record<string, unknown>;
}
