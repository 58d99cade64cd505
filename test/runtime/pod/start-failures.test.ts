import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ContainerState } from "#cri";
import { buildImage } from "../../fixtures/image.ts";
import { demoImage } from "../../fixtures/image-demo.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import { Registry } from "../../fixtures/registry.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { containerStatus, createContainer, runPod } from "../../support/pods.ts";

// Commands that cannot be run: each with words that tell a person what is wrong, and the exit code that a shell would give.

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  const registry = await Registry.start();
  registry.push("library/busybox", await demoImage(), "latest");
  // The machine field of an ELF header (elf(5)) says 0xffff: no processor there is.
  const foreign = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]).copy(foreign);
  foreign.writeUInt16LE(2, 16);
  foreign.writeUInt16LE(0xffff, 18);
  const layer = await buildLayer([
    ...["dev/", "etc/", "proc/", "sys/", "bin/", "directory/"].map((name) => ({ name })),
    { name: "bin/plain", mode: 0o644, content: "#!/bin/sh\n" },
    { name: "bin/foreign", mode: 0o755, content: foreign },
    { name: "bin/words", mode: 0o755, content: "just words\n" },
    { name: "bin/orphan", mode: 0o755, content: "#!/bin/no-such-interpreter\n" },
  ]);
  registry.push("library/broken", buildImage({ layers: [layer] }), "latest");
  image = `${registry.host}/library/broken:latest`;
  await node.client.pullImage({ image: { image } });
});
after(() => node.stop());

const failures: { command: string; code: number; words: RegExp }[] = [
  { command: "no-such-command", code: 127, words: /"no-such-command": command not found in PATH \/usr/ },
  { command: "/bin/no-such-command", code: 127, words: /"\/bin\/no-such-command": No such file/ },
  { command: "plain", code: 126, words: /"plain": found in PATH, but it may not be executed/ },
  { command: "/bin/plain", code: 126, words: /"\/bin\/plain": Permission denied/ },
  { command: "/directory", code: 126, words: /"\/directory": Permission denied: it is a directory/ },
  { command: "/bin/foreign", code: 126, words: /a program for another machine/ },
  { command: "/bin/words", code: 126, words: /a script without #!/ },
  { command: "/bin/orphan", code: 127, words: /the interpreter or dynamic loader that it names is not/ },
  { command: "/bin/words/x", code: 127, words: /Not a directory/ },
];

test("a command that cannot be run says why, and the next one can", async () => {
  const pod = await runPod(node, "broken");
  for (const [index, { command, code, words }] of failures.entries()) {
    const containerId = await createContainer(node, pod, image, `c${index}`, "", { command: [command] });
    await assert.rejects(node.client.startContainer({ containerId }), words, command);
    const { state, exitCode, reason, message } = await containerStatus(node, containerId);
    assert.equal(state, ContainerState.CONTAINER_EXITED, command);
    assert.deepEqual({ exitCode, reason }, { exitCode: code, reason: "ContainerCannotRun" }, command);
    assert.match(message, words, command);
    await assert.rejects(
      node.client.startContainer({ containerId }),
      /FAILED_PRECONDITION/,
      "it starts once",
    );
    await node.client.removeContainer({ containerId });
  }
  const { containers } = await node.client.listContainers({});
  assert.deepEqual(containers, []);
});
