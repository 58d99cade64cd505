import { timed } from "../support/statistics.ts";
import type { Target } from "../support/target.ts";

/** Milliseconds of one ExecSync of `true` in a running container. */
export async function execSync(target: Target, containerId: string): Promise<number> {
  const [milliseconds, { exitCode }] = await timed(() =>
    target.client.execSync({ containerId, cmd: ["true"], timeout: 10 }),
  );
  if (exitCode !== 0) throw new Error(`${target.name}: ExecSync of true ended with ${exitCode}`);
  return milliseconds;
}
