import { imageMessage } from "../messages/image.ts";
import { parts } from "../parts.ts";
import type { ImageRpc } from "../rpc.ts";

/** A message is far from gRPC's limit with so many, however many names each has. */
const imagesAMessage = 64;

/** What ListImages answers, in parts: a node with thousands of images does not fill one message. */
export const streamImages: ImageRpc<"StreamImages"> = async function* (request, { images }) {
  const found = images.list(request.filter?.image?.image ?? "");
  for (const part of parts(found, imagesAMessage)) yield { images: part.map(imageMessage) };
};
