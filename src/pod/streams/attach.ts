import type { Socket } from "node:net";
import { LichenError, within } from "../../errors.ts";
import { type Fd, readStream, terminalStream, writeStream } from "../../native/fd.ts";
import type { StreamName } from "../../native/monitor-wire.ts";
import type { PodContext } from "../context.ts";
import { attachableContainer } from "./running.ts";
import { feed, type Transfer, transfer } from "./transfer.ts";
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
  const ours: Socket[] = [];
  try {
    const wanted = streamNames.filter((name) => client[name] !== undefined);
    const { attachment, stdin, stdout, stderr } = await monitor.attach(id, wanted);
    forget = context.attachments.subscribe(id, attachment, () => end.reject(tooSlow(id)));
    if (client.closed.aborted) gone();
    if (stdin && client.stdin) {
      const input = container.config.tty ? terminalStream(stdin, { reading: false }) : writeStream(stdin);
      ours.push(input);
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
    const transfers: Transfer[] = [];
    const receive = (fd: Fd | undefined, target: typeof client.stdout) => {
      if (fd === undefined) return;
      const source = readStream(fd);
      ours.push(source);
      if (target) transfers.push(transfer(source, target));
    };
    receive(stdout, client.stdout);
    receive(stderr, client.stderr);
    await end.promise;
    // The monitor ends its copies of the output with the container, so this ends as soon as the client has read them.
    if (!client.closed.aborted) await Promise.all(transfers.map(({ ended }) => ended));
  } catch (error) {
    throw within("attach to container", id, error);
  } finally {
    client.closed.removeEventListener("abort", gone);
    unsubscribe();
    forget();
    for (const stream of ours) stream.destroy();
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
