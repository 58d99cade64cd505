import { listedContainer } from "../messages/container.ts";
import { parts } from "../parts.ts";
import type { RuntimeRpc } from "../rpc.ts";

/** What ListContainers answers, in parts. */
export const streamContainers: RuntimeRpc<"StreamContainers"> = async function* (request, { pods }) {
  for (const part of parts(pods.listContainers(request.filter), 64))
    yield { containers: part.map(listedContainer) };
};
