import { LichenError } from "../../errors.ts";
import type { RuntimeRpc } from "../rpc.ts";
import { required, requiredText } from "../validate.ts";

const operation = "create container";

export const createContainer: RuntimeRpc<"CreateContainer"> = async (request, { pods, images }) => {
  const sandboxId = requiredText(request.podSandboxId, operation, "pod_sandbox_id");
  const config = required(request.config, operation, "config");
  const sandboxConfig = required(request.sandboxConfig, operation, "sandbox_config");
  const reference = requiredText(config.image?.image ?? "", operation, "config.image.image");
  const image = images.status(reference);
  if (!image) {
    throw new LichenError({
      code: "NOT_FOUND",
      operation,
      object: config.metadata?.name ?? "",
      reason: `image ${reference} is not on this node`,
      hint: "pull it first",
    });
  }
  const { lower, config: imageConfig } = images.rootSource(image.id);
  const containerId = await pods.createContainer(sandboxId, config, sandboxConfig, {
    id: image.id,
    ref: image.digests[0] ?? image.id,
    lower,
    config: imageConfig.config,
  });
  return { containerId };
};
