import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Captured, capture } from "../../support/capture.ts";
import { dist, type LichenNode, startNode } from "../../support/node.ts";
import { createContainer, pullBusybox, runPod, type TestPod } from "../../support/pods.ts";

const crictl = join(import.meta.dirname, "../../../.cache/conformance/bin/crictl");
const noCrictl = existsSync(crictl) ? false : "no program crictl: `npm run conformance` builds it";

describe("exec, attach and port-forward from the host side", () => {
  let node: LichenNode;
  let pod: TestPod;
  let container: string;
  let image: string;

  before(async () => {
    node = await startNode();
    image = await pullBusybox(node);
    pod = await runPod(node, "streams");
    container = await createContainer(node, pod, image, "web", "echo page > /page; httpd -f -p 8080 -h /");
    await node.client.startContainer({ containerId: container });
  });
  after(() => node.stop());

  const lichen = (...args: string[]) => node.lichen(...args);
  const crictlRun = (...args: string[]): Promise<Captured> =>
    capture(crictl, ["-r", `unix://${node.runtimeDir}/lichen.sock`, ...args]);

  it("lichen exec passes input, both outputs and the exit code", async () => {
    const child = spawn(
      join(dist, "lichen"),
      ["--runtime-dir", node.runtimeDir, "exec", "-i", container, "sh", "-c", "cat; echo oops >&2; exit 7"],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.stdin.end("line one\n");
    const [status] = await once(child, "close");
    assert.deepEqual({ status, out, err }, { status: 7, out: "line one\n", err: "oops\n" });
  });

  it("a large output arrives whole", async () => {
    const size = 32 * 1024 * 1024;
    const script = `dd if=/dev/urandom of=/big bs=1M count=${size >> 20} 2>/dev/null; sha256sum /big`;
    const { stdout } = await lichen("exec", container, "sh", "-c", script);
    const child = spawn(
      join(dist, "lichen"),
      ["--runtime-dir", node.runtimeDir, "exec", "-i", container, "cat", "/big"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const hash = createHash("sha256");
    let length = 0;
    for await (const part of child.stdout) {
      hash.update(part);
      length += part.length;
    }
    assert.equal(length, size);
    assert.equal(hash.digest("hex"), stdout.split(" ")[0]);
  });

  for (const transport of ["spdy", "websocket"]) {
    it(`crictl exec over ${transport}`, { skip: noCrictl }, async () => {
      const good = await crictlRun("exec", "--transport", transport, container, "echo", "said");
      assert.deepEqual({ status: good.status, stdout: good.stdout }, { status: 0, stdout: "said\n" });
      const bad = await crictlRun("exec", "--transport", transport, container, "sh", "-c", "exit 3");
      assert.notEqual(bad.status, 0);
      assert.match(bad.stderr, /exit (code|status) 3/);
    });

    it(`crictl exec and attach over ${transport} from inside the namespaces`, {
      skip: noCrictl,
    }, async () => {
      const inside = (...args: string[]) =>
        lichen("enter", "--", crictl, "-r", `unix://${node.runtimeDir}/lichen.sock`, ...args);
      const ran = await inside(
        "exec",
        "--transport",
        transport,
        container,
        "sh",
        "-c",
        "echo inside; exit 4",
      );
      assert.equal(ran.stdout, "inside\n");
      assert.match(ran.stderr, /exit (code|status) 4/);
      const id = await createContainer(
        node,
        pod,
        image,
        `ticking-${transport}`,
        "while :; do echo tick; sleep 0.1; done",
      );
      await node.client.startContainer({ containerId: id });
      const attached = inside("attach", "--transport", transport, id);
      setTimeout(() => void node.client.stopContainer({ containerId: id, timeout: 0 }), 1500);
      assert.match((await attached).stdout, /^(tick\n){3,}/);
    });

    it(`crictl port-forward over ${transport}`, { skip: noCrictl }, async () => {
      const port = await freePort();
      const args = ["-r", `unix://${node.runtimeDir}/lichen.sock`, "port-forward", "--transport", transport];
      const child = spawn(crictl, [...args, pod.id, `${port}:8080`], { stdio: "ignore" });
      try {
        assert.equal(await fetchPage(port), "page\n");
      } finally {
        child.kill();
        await once(child, "exit");
      }
    });
  }

  it("a client that is killed leaves no process in the container", async () => {
    const child = spawn(
      join(dist, "lichen"),
      ["--runtime-dir", node.runtimeDir, "exec", "-i", container, "sleep", "4242"],
      { stdio: ["pipe", "ignore", "ignore"] },
    );
    const running = async () => (await lichen("exec", container, "ps")).stdout.includes("sleep 4242");
    for (let tries = 0; !(await running()); tries++) assert.ok(tries < 50, "the command never ran");
    child.kill("SIGKILL");
    for (let tries = 0; await running(); tries++) {
      assert.ok(tries < 100, "the command outlives its client");
      await sleep(100);
    }
  });

  it("a stream to what is not there is refused by name", async () => {
    await assert.rejects(node.client.exec({ containerId: "0".repeat(64), cmd: ["true"], stdout: true }), {
      code: 5,
    });
    await assert.rejects(node.client.exec({ containerId: container, cmd: [], stdout: true }), { code: 3 });
    await assert.rejects(node.client.portForward({ podSandboxId: "0".repeat(64), port: [80] }), { code: 5 });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The body of /page, as soon as somebody listens. */
async function fetchPage(port: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
      return await (await fetch(`http://127.0.0.1:${port}/page`)).text();
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(50);
    }
  }
}
