import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { AttachmentCache } from "../../../../src/network/cni/attachments.ts";
import { parseNetwork } from "../../../../src/network/cni/network-list.ts";

const folder = mkdtempSync(join(tmpdir(), "lichen-cni-"));
after(() => rmSync(folder, { recursive: true }));

const network = parseNetwork('{"name":"a","plugins":[{"type":"x"}]}', "a.conf");
const attachment = { sandboxId: "p1", ifname: "eth0", args: "", capabilities: { dns: {} }, network };

test("an attachment is there again for another cache of the same directory, and gone when forgotten", () => {
  const cache = new AttachmentCache(join(folder, "c"));
  assert.equal(cache.get("p1"), undefined);
  cache.save(attachment);
  cache.save({ ...attachment, result: { ips: [] } });
  cache.save({ ...attachment, sandboxId: "p2" });
  const other = new AttachmentCache(join(folder, "c"));
  assert.deepEqual(other.get("p1"), { ...attachment, result: { ips: [] } });
  assert.deepEqual(other.all().sort(), ["p1", "p2"]);
  other.forget("p1");
  other.forget("p1");
  assert.equal(cache.get("p1"), undefined);
  assert.deepEqual(cache.all(), ["p2"]);
});

test("a torn file is no attachment, but its pod is known", () => {
  const cache = new AttachmentCache(join(folder, "d"));
  writeFileSync(join(folder, "d", "p3.json"), '{"sandboxId":');
  assert.equal(cache.get("p3"), undefined);
  assert.deepEqual(cache.all(), ["p3"]);
});
