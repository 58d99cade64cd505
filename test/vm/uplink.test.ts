// The way out of the pods' network, with the programs and the AppArmor profiles that the distribution ships.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startNode } from "../support/node.ts";
import { exited, pullBusybox, runContainer, runPod } from "../support/pods.ts";

test("the uplink that was started stays, and pods reach the host's network through it", async (t) => {
  const node = await startNode({ config: '[network]\nuplink = "pasta"\n' });
  t.after(() => node.stop());
  const uplink = () => readFileSync(join(node.runtimeDir, "uplink.pid"), "utf8");
  const first = uplink();
  const image = await pullBusybox(node);
  const pod = await runPod(node, "way-out");
  // The emulated network answers for its gateway's address, whatever the port: with a refusal, not with silence.
  const script =
    "for i in 1 2 3 4 5; do nc -w 20 10.0.2.2 9 2>&1 </dev/null | grep -q refused && exit 0; done; exit 1";
  const id = await runContainer(node, pod, image, "main", script);
  assert.equal((await exited(node, id)).exitCode, 0);
  await sleep(3000);
  assert.equal(uplink(), first);
  assert.doesNotMatch(node.log(), /the uplink .* has ended/);
});
