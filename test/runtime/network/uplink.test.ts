// An uplink that ends, and cannot be started again for a while: what Status says of the node meanwhile.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { startNode } from "../../support/node.ts";
import { slowness } from "../../support/patience.ts";
import { eventually, exited, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

/** A program search path on which pasta can be taken away and put back. */
class PastaSwitch {
  readonly #directory = mkdtempSync(join(tmpdir(), "lichen-pasta-"));
  readonly path = `${this.#directory}${delimiter}${process.env.PATH}`;
  readonly #broken = join(this.#directory, "broken");

  constructor() {
    const script = `#!/bin/sh\n[ -e ${this.#broken} ] && exit 1\nPATH=${process.env.PATH}\nexec pasta "$@"\n`;
    writeFileSync(join(this.#directory, "pasta"), script, { mode: 0o755 });
  }

  takeAway(): void {
    writeFileSync(this.#broken, "");
  }

  putBack(): void {
    rmSync(this.#broken);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

test("an uplink that has ended is told by NetworkReady until it runs again; pods live on and can be made", async (t) => {
  using pasta = new PastaSwitch();
  const node = await startNode({ config: '[network]\nuplink = "pasta"\n', env: { PATH: pasta.path } });
  t.after(() => node.stop());
  const report = () => JSON.parse(readFileSync(join(node.runtimeDir, "node.json"), "utf8"));
  if (report().uplink.kind !== "pasta") return t.skip(`no uplink by pasta here: ${report().uplink.reason}`);
  const ready = async () =>
    (await node.client.status({})).status?.conditions?.find(({ type }) => type === "NetworkReady");
  assert.equal((await ready())?.status, true);
  assert.equal(report().uplink.down, "");
  const image = await pullBusybox(node);

  pasta.takeAway();
  const first = Number(readFileSync(join(node.runtimeDir, "uplink.pid"), "utf8").split(" ")[0]);
  process.kill(first, "SIGKILL");
  await eventually(async () => {
    const condition = await ready();
    assert.deepEqual([condition?.status, condition?.reason], [false, "UplinkDown"]);
    assert.match(condition?.message ?? "", /^the uplink .*has ended.* again/);
  });
  await eventually(async () => {
    assert.match((await ready())?.message ?? "", /could not be started again yet: .*pasta/);
  });
  // Between pods the network works as before.
  const pod = await runPod(node, "meanwhile");
  const id = await runContainer(node, pod, image, "main", "exec true");
  assert.equal((await exited(node, id)).exitCode, 0);

  pasta.putBack();
  await eventually(async () => assert.equal((await ready())?.status, true), 20_000 * slowness);
  assert.equal(report().uplink.kind, "pasta");
  assert.equal(report().uplink.down, "");
});
