import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { HeldNamespaces, userNamespace } from "../../support/leaks.ts";

/** A process in a user namespace of its own. */
async function inNamespace(): Promise<ChildProcess> {
  const child = spawn("unshare", ["--user", "sh", "-c", "echo ready; exec sleep 1000"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout!, "data");
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "close");
}

test("the number of a namespace that is held is given to no other, however many are made", async () => {
  const held = new HeldNamespaces();
  const first = await inNamespace();
  held.add(first.pid!);
  const name = userNamespace(first.pid!);
  assert.equal(held.has(name), true);
  await ended(first);
  for (let round = 0; round < 20; round++) {
    const next = await inNamespace();
    assert.notEqual(userNamespace(next.pid!), name);
    assert.equal(held.has(userNamespace(next.pid!)), false);
    await ended(next);
  }
  held.clear();
  assert.equal(held.has(name), false);
});

test("neither a process that has ended nor one in this user namespace is a node's", async () => {
  const held = new HeldNamespaces();
  const gone = await inNamespace();
  await ended(gone);
  held.add(gone.pid!);
  held.add(process.pid);
  assert.equal(held.has(userNamespace(process.pid)), false);
  assert.equal(held.has(""), false);
});
