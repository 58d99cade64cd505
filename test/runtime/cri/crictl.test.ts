import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Captured, capture } from "../../support/capture.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { pullBusybox } from "../../support/pods.ts";

const crictl = join(import.meta.dirname, "../../../.cache/conformance/bin/crictl");
const skip = existsSync(crictl) ? false : "no program crictl: `npm run conformance` builds it";

// The commands that people type, on the host side of the namespaces, by the user who runs lichen: no nsenter, no root.
describe("crictl against the socket file", { skip }, () => {
  let node: LichenNode;
  let image: string;
  let pod: string;
  let container: string;

  before(async () => {
    node = await startNode();
    image = await pullBusybox(node);
    mkdirSync(join(node.base, "logs"));
    write("pod.json", {
      metadata: { name: "web", uid: "u", namespace: "default", attempt: 1 },
      log_directory: join(node.base, "logs"),
      linux: { security_context: { namespace_options: { pid: 1 } } },
    });
    write("container.json", {
      metadata: { name: "app", attempt: 2 },
      image: { image },
      command: ["sh", "-c", "echo begun; trap 'exit 3' TERM; while :; do sleep 0.1; done"],
      log_path: "app.log",
      labels: { "io.kubernetes.pod.name": "web", "io.kubernetes.pod.namespace": "default" },
      linux: {},
    });
  });
  after(() => node.stop());

  function write(name: string, content: object): void {
    writeFileSync(join(node.base, name), JSON.stringify(content));
  }

  function run(...args: string[]): Promise<Captured> {
    const endpoint = `unix://${node.runtimeDir}/lichen.sock`;
    return capture(crictl, ["-r", endpoint, "-i", endpoint, ...args]);
  }

  /** What a command that succeeds prints. */
  async function ok(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await run(...args);
    assert.equal(status, 0, `crictl ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  const file = (name: string) => join(node.base, name);

  it("version, info", async () => {
    assert.match(await ok("version"), /RuntimeName: +lichen\n/);
    const { status, node: report } = JSON.parse(await ok("info"));
    assert.ok(status.conditions.some(({ type }: { type: string }) => type === "RuntimeReady"));
    assert.equal(report.version, 1);
  });

  it("pull, images, inspecti, imagefsinfo", async () => {
    const id = (await ok("images", "-q", "--no-trunc")).split("\n")[0] ?? "";
    assert.match(await ok("pull", image), new RegExp(id));
    assert.match(await ok("images"), /library\/busybox +latest/);
    assert.equal(JSON.parse(await ok("inspecti", image)).status.id, id);
    const [filesystem] = JSON.parse(await ok("imagefsinfo")).status.imageFilesystems;
    assert.ok(Number(filesystem.usedBytes.value) > 100_000);
  });

  it("runp, pods, inspectp", async () => {
    pod = await ok("runp", file("pod.json"));
    assert.match(pod, /^[0-9a-f]{64}$/);
    assert.match(await ok("pods", "--name", "web"), /Ready +web +default +1/);
    const { status, info } = JSON.parse(await ok("inspectp", pod.slice(0, 13)));
    assert.equal(status.id, pod);
    assert.equal(status.state, "SANDBOX_READY");
    assert.match(status.network.ip, /^10\./);
    assert.ok(existsSync(`/proc/${info.pid}`));
    assert.equal(info.config.metadata.name, "web");
  });

  it("create, start, ps, inspect", async () => {
    container = await ok("create", pod, file("container.json"), file("pod.json"));
    assert.match(await ok("ps", "-a"), /Created +app +2/);
    await ok("start", container);
    assert.match(await ok("ps"), /Running +app +2 .* web +default/);
    const { status, info } = JSON.parse(await ok("inspect", container.slice(0, 13)));
    assert.equal(status.state, "CONTAINER_RUNNING");
    assert.equal(status.image.image, image);
    assert.equal(status.imageId, JSON.parse(await ok("inspecti", image)).status.id);
    assert.ok(existsSync(`/proc/${info.pid}`));
    assert.equal(info.sandboxID, pod);
    assert.equal(info.runtimeSpec.process.args[0], "sh");
  });

  it("logs, exec -s, stats", async () => {
    for (let tries = 0; (await ok("logs", container)) === "" && tries < 50; tries++) await sleep(20);
    assert.equal(await ok("logs", container), "begun");
    assert.equal(await ok("exec", "-s", container, "echo", "hi"), "hi");
    const failed = await run("exec", "-s", container, "sh", "-c", "exit 7");
    assert.match(failed.stderr, /exited with 7/);
    const late = await run("exec", "-s", "--timeout", "1", container, "sleep", "20");
    assert.match(late.stderr, /timed out after 1s/);
    const { stats } = JSON.parse(await ok("stats", "-o", "json", container));
    assert.equal(stats[0].attributes.id, container);
    assert.ok(Number(stats[0].cpu.usageCoreNanoSeconds.value) > 0);
    assert.ok(Number(stats[0].memory.workingSetBytes.value) > 0);
  });

  it("stop, rm, stopp, rmp, rmi", async () => {
    await ok("stop", "-t", "5", container);
    const { status } = JSON.parse(await ok("inspect", container));
    assert.deepEqual([status.state, status.exitCode, status.reason], ["CONTAINER_EXITED", 3, "Error"]);
    await ok("rm", container);
    assert.equal(await ok("ps", "-a", "-q"), "");
    await ok("stopp", pod);
    assert.match(await ok("pods"), /NotReady +web/);
    await ok("rmp", pod);
    assert.equal(await ok("pods", "-q"), "");
    await ok("rmi", image);
    assert.equal(await ok("images", "-q"), "");
  });

  it("says what is wrong with what it was given", async () => {
    assert.match((await run("inspect", "0123")).stderr, /NotFound.*0123/);
    assert.match((await run("pull", "library/UPPER")).stderr, /InvalidArgument.*library\/UPPER/);
    const checkpoint = await run("checkpoint", "--export=/tmp/none.tar", "0123");
    assert.match(checkpoint.stderr, /Unimplemented.*CheckpointContainer: lichen does not implement it/);
  });
});
