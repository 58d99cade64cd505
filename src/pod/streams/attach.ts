import type { Socket } from "node:net";
import { LichenError, within } from "../../errors.ts";
import { terminalStream, writeStream } from "../../native/fd.ts";
import type { StreamName } from "../../native/monitor-wire.ts";
import type { PodContext } from "../context.ts";
import { attachableContainer } from "./running.ts";
import { feed, type Pump, pump } from "./transfer.ts";
import type { ClientStreams } from "./types.ts";

const streamNames: readonly StreamName[] = ["stdin", "stdout", "stderr"];

/** Attach: see PodService. */
export async function attach(context: PodContext, idPrefix: string, client: ClientStreams): Promise<void> {
  const container = attachableContainer(context, idPrefix);
  const { id } = container;
  const monitor = context.monitors.get(container.sandboxId);
  const end = Promise.withResolvers<void>();
  const unsubscribe = context.exits.subscribe(id, () => end.resolve());
  const gone = () => end.resolve();
  client.closed.addEventListener("abort", gone);
  let forget = () => {};
  let input: Socket | undefined;
  const pumps: Pump[] = [];
  try {
    const wanted = streamNames.filter((name) => client[name] !== undefined);
    const { attachment, stdin, stdout, stderr } = await monitor.attach(id, wanted);
    forget = context.attachments.subscribe(id, attachment, () => end.reject(tooSlow(id)));
    if (client.closed.aborted) gone();
    if (stdin && client.stdin) {
      input = container.config.tty ? terminalStream(stdin, { reading: false }) : writeStream(stdin);
      feed(client.stdin, input);
    } else {
      // The container has no input (any more): what the client sends is read and dropped, so that it notices its own end.
      client.stdin?.resume();
    }
    if (container.config.tty) {
      client.onResize(({ width, height }) => {
        monitor.resize({ container: id }, width, height).catch(() => {});
      });
    }
    if (stdout && client.stdout) pumps.push(pump(stdout, client.stdout));
    if (stderr && client.stderr) pumps.push(pump(stderr, client.stderr));
    await end.promise;
    // The monitor ends its copies of the output with the container, so this ends as soon as the client has read them.
    if (!client.closed.aborted) await Promise.all(pumps.map(({ ended }) => ended));
  } catch (error) {
    throw within("attach to container", id, error);
  } finally {
    client.closed.removeEventListener("abort", gone);
    unsubscribe();
    forget();
    input?.destroy();
    for (const one of pumps) one.destroy();
  }
}

function tooSlow(container: string): LichenError {
  return new LichenError({
    code: "RESOURCE_EXHAUSTED",
    operation: "pass on output of container",
    object: container,
    reason: "the client reads more slowly than the container writes, and the container does not wait",
    hint: "attach again, or read the container's log",
  });
}
