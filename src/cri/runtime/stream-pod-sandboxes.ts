import { listedSandbox } from "../messages/sandbox.ts";
import { parts } from "../parts.ts";
import type { RuntimeRpc } from "../rpc.ts";

/** What ListPodSandbox answers, in parts. */
export const streamPodSandboxes: RuntimeRpc<"StreamPodSandboxes"> = async function* (request, { pods }) {
  for (const part of parts(pods.listPodSandbox(request.filter), 64))
    yield { podSandboxes: part.map(listedSandbox) };
};
