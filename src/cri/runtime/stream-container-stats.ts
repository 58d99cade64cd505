import { encodedContainerStats } from "../messages/container-stats.ts";
import { parts } from "../parts.ts";
import type { RuntimeRpc } from "../rpc.ts";

/** What ListContainerStats answers, in parts. */
export const streamContainerStats: RuntimeRpc<"StreamContainerStats"> = async function* (request, { pods }) {
  for (const part of parts(await pods.listContainerStats(request.filter), 64))
    yield { containerStats: part.map(encodedContainerStats) };
};
