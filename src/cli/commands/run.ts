import { randomBytes } from "node:crypto";
import { type Command, Option } from "commander";
import { ContainerState, type Device, type KeyValue } from "#cri";
import type { CriClient } from "../../../proto/client.ts";
import { LichenError } from "../../errors.ts";
import {
  bytesOption,
  capabilityOption,
  cpusOption,
  deviceOption,
  environmentFileOption,
  labelOption,
  nameOption,
  type User,
  userOption,
} from "../container-options.ts";
import { type Context, type GlobalOptions, misuse, withDaemon } from "../context.ts";
import { follow, LogFile } from "../follow.ts";
import { shortId } from "../format.ts";
import { showLayers } from "../images/show.ts";
import {
  countOption,
  environmentOption,
  type PublishedPort,
  publishOption,
  type Volume,
  volumeOption,
} from "../options.ts";
import { json } from "../output.ts";
import { type RunningPod, removePod, runPod } from "../run-pod.ts";
import type { RunRequest } from "../run-request.ts";
import { attachHere } from "../streams/attach.ts";
import { requireTerminal } from "../streams/terminal.ts";
import { runLabel } from "../targets.ts";
import { printLines } from "./logs.ts";

interface RunOptions {
  capAdd?: string[];
  capDrop?: string[];
  cpus?: number;
  detach?: boolean;
  device?: Device[];
  entrypoint?: string;
  env?: KeyValue[];
  envFile?: KeyValue[];
  hostname?: string;
  interactive?: boolean;
  label?: Record<string, string>;
  memory?: number;
  name?: string;
  network?: "pod" | "host";
  pidsLimit?: number;
  privileged?: boolean;
  publish?: PublishedPort[];
  readOnly?: boolean;
  rm?: boolean;
  seccomp?: "default" | "unconfined";
  tty?: boolean;
  user?: User;
  volume?: Volume[];
  workdir?: string;
}

const noRm = "leave one out; lichen rm --force removes a container whether it runs or not";

/** Seconds that an interrupted container has to end before it is killed. */
const graceSeconds = 10;

/** `lichen run IMAGE [COMMAND…]`: a pod with one container, in the foreground with its output, or detached. */
export function run(program: Command): void {
  program
    .command("run")
    .description("run a container in a pod of its own")
    .argument("<image>", "pulled when it is not here yet")
    .argument("[command...]", "instead of the image's own command")
    .option("-d, --detach", "print the container's id and return")
    .option("-e, --env <name=value>", "set a variable (repeatable)", environmentOption)
    .option("--env-file <file>", "variables as lines of NAME=VALUE (repeatable)", environmentFileOption)
    .option("-i, --interactive", "pass standard input on")
    .option("-t, --tty", "give it a terminal (leave it running with ctrl-p ctrl-q)")
    .option("--name <name>", "name of pod and container", nameOption)
    .option("-p, --publish <[ip:]host:pod[/udp]>", "serve a port on this machine (repeatable)", publishOption)
    .option("--rm", "remove pod, container and log when it has ended")
    .option("-v, --volume <host:container[:ro]>", "mount a file or directory (repeatable)", volumeOption)
    .option("-w, --workdir <directory>", "where the command starts")
    .option("-u, --user <user[:gid]>", "who it runs as, by name or uid", userOption)
    .option("--entrypoint <command>", "instead of the image's own")
    .option("--hostname <name>", "another host name than the pod's")
    .option("-l, --label <name=value>", "set a label of pod and container (repeatable)", labelOption)
    .addOption(new Option("--network <network>", "of the pod's own, or the node's").choices(["pod", "host"]))
    .option("-m, --memory <bytes>", "most memory, such as 64m", bytesOption)
    .option("--cpus <number>", "most processors, such as 1.5", cpusOption)
    .option("--pids-limit <number>", "most processes", countOption)
    .option("--device </dev/node[:/dev/there[:rwm]]>", "give a device (repeatable)", deviceOption)
    .option("--cap-add <capability>", "give a capability (repeatable)", capabilityOption)
    .option("--cap-drop <capability>", "take a capability, or ALL (repeatable)", capabilityOption)
    .option("--privileged", "all that lichen's own user namespace can give")
    .option("--read-only", "a root file system that cannot be written")
    .addOption(
      new Option("--seccomp <profile>", "which system calls it may use").choices(["default", "unconfined"]),
    )
    .passThroughOptions()
    .action(async (image: string, args: string[], options: RunOptions, command: Command) => {
      const { interactive = false, tty = false, detach = false } = options;
      if (detach && options.rm)
        throw misuse("run", image, "--rm does not go with --detach: nobody waits for the end", noRm);
      if (!detach) requireTerminal("run", { interactive, tty });
      await withDaemon(command, async ({ client, images }) => {
        if (options.name !== undefined) await refuseKnownName(client, options.name);
        await ensureImage({ client, images }, image);
        const request = requestOf(image, args, options);
        const streaming = (interactive || tty) && !detach;
        let code: number | undefined;
        const running = await runPod(client, request, async ({ containerId }) => {
          const start = () => client.startContainer({ containerId });
          if (!streaming) await start();
          else code = await attachHere(client, { containerId, interactive, tty, attached: start });
        });
        if (detach) return printDetached(running, command.optsWithGlobals<GlobalOptions>());
        if (!streaming) code = await attend(client, running);
        if (code === undefined) {
          process.stderr.write(`\r\nthe container runs on: lichen attach ${request.name}\r\n`);
          return;
        }
        process.exitCode = code;
        const { podSandboxId } = running;
        if (options.rm) await removePod(client, { id: podSandboxId, labels: { [runLabel]: "true" } });
        else await client.stopPodSandbox({ podSandboxId });
      });
    });
}

/** Kubelets give their pods names as they like; people call containers by them, so what they make has a name of its own. */
async function refuseKnownName(client: CriClient, name: string): Promise<void> {
  const [{ containers }, { items: pods }] = await Promise.all([
    client.listContainers({}),
    client.listPodSandbox({}),
  ]);
  const [other] = [...containers, ...pods].filter(({ metadata }) => metadata?.name === name);
  if (other === undefined) return;
  throw new LichenError({
    code: "ALREADY_EXISTS",
    operation: "run",
    object: name,
    reason: `the name is taken by ${shortId(other.id)}`,
    hint: `remove that (lichen rm ${name}), or take another name`,
  });
}

/** The id alone, for scripts, as docker and podman print it. */
function printDetached(running: RunningPod, { output }: GlobalOptions): void {
  process.stdout.write(output === "json" ? json(running) : `${running.containerId}\n`);
}

function requestOf(image: string, command: string[], options: RunOptions): RunRequest {
  const {
    env = [],
    envFile = [],
    publish = [],
    volume = [],
    device = [],
    network,
    interactive,
    ...same
  } = options;
  return {
    ...same,
    image,
    name: options.name ?? nameFor(image),
    command,
    // As docker and podman have it: a variable of the command line is stronger than one of a file.
    env: [...envFile, ...env],
    ports: publish,
    volumes: volume,
    devices: device,
    hostNetwork: network === "host",
    stdin: interactive === true,
    unconfined: options.seccomp === "unconfined",
    ...(options.label === undefined ? {} : { labels: options.label }),
  };
}

async function ensureImage(
  { client, images }: Pick<Context, "client" | "images">,
  image: string,
): Promise<void> {
  const { image: found } = await client.imageStatus({ image: { image } });
  if (!found) await showLayers(`pulling ${image}`, images().pull({ reference: image }));
}

/** `docker.io/library/alpine:3.22` → `alpine-1f2e`: a valid host name that says what runs there. */
export function nameFor(image: string, suffix = randomBytes(2).toString("hex")): string {
  const last = image.replace(/@.*$/, "").split("/").at(-1) ?? "";
  const base = last
    .replace(/:.*$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 50);
  return `${base || "container"}-${suffix}`;
}

/** Shows what the container prints until it has ended; Ctrl-C and SIGTERM stop it. Gives its exit code. */
async function attend(client: CriClient, { containerId, logPath }: RunningPod): Promise<number> {
  const status = async () => (await client.containerStatus({ containerId })).status;
  let stopping: Promise<unknown> | undefined;
  const stop = (): void => {
    stopping ??= client.stopContainer({ containerId, timeout: graceSeconds });
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const log = new LogFile(logPath);
  try {
    await follow(log, async () => (await status())?.state !== ContainerState.CONTAINER_RUNNING, printLines);
    await stopping;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    await log.close();
  }
  return (await status())?.exitCode ?? 1;
}
