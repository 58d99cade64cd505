import { LichenError } from "../../errors.ts";
import type { ContainerImage } from "../../pod/service.ts";
import type { CriContext } from "../context.ts";
import type { RuntimeRpc } from "../rpc.ts";
import { required, requiredText } from "../validate.ts";

const operation = "create container";

export const createContainer: RuntimeRpc<"CreateContainer"> = async (request, { pods, images }) => {
  const sandboxId = requiredText(request.podSandboxId, operation, "pod_sandbox_id");
  const config = required(request.config, operation, "config");
  const sandboxConfig = required(request.sandboxConfig, operation, "sandbox_config");
  const reference = requiredText(config.image?.image ?? "", operation, "config.image.image");
  const image = findImage(images, reference, operation, config.metadata?.name ?? "");
  const names = config.mounts.map((mount) => mount.image?.image ?? "").filter((name) => name !== "");
  const volumes = new Map(
    names.map((name) => [name, findImage(images, name, "mount image volume", name)] as const),
  );
  const containerId = await pods.createContainer(sandboxId, config, sandboxConfig, {
    ...image,
    ...(volumes.size > 0 ? { volumes } : {}),
  });
  return { containerId };
};

/** An image as containers are made from; NOT_FOUND when it is not on this node. */
function findImage(
  images: CriContext["images"],
  reference: string,
  doing: string,
  object: string,
): ContainerImage {
  const image = images.status(reference);
  if (!image) {
    throw new LichenError({
      code: "NOT_FOUND",
      operation: doing,
      object,
      reason: `image ${reference} is not on this node`,
      hint: "pull it first",
    });
  }
  const { lower, config } = images.rootSource(image.id);
  return { id: image.id, ref: image.digests[0] ?? image.id, lower, config: config.config };
}
