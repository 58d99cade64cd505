import { timed } from "../support/statistics.ts";
import type { Target } from "../support/target.ts";

/** Milliseconds from the request until the image is pulled and unpacked; it is removed again afterwards. */
export async function pull(target: Target, image: string): Promise<number> {
  const [milliseconds] = await timed(() => target.client.pullImage({ image: { image } }));
  await target.client.removeImage({ image: { image } });
  return milliseconds;
}
