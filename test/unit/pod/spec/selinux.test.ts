import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Mount } from "#cri";
import { LichenError } from "../../../../src/errors.ts";
import { selinuxContext } from "../../../../src/native/security.ts";
import { labelledMounts, relabel, relabelRequests } from "../../../../src/pod/spec/selinux.ts";
import { mount } from "../records.ts";

const made = (type: string, options: string[] = [], source = type) => ({
  destination: `/${type}`,
  type,
  source,
  options,
});
const label = "u:object_r:container_file_t:s0:c1,c2";
const refused = (words: RegExp) => (error: unknown) =>
  error instanceof LichenError && error.code === "FAILED_PRECONDITION" && words.test(error.message);

test("without a label mounts stay as they are", () => {
  const mounts = [made("tmpfs"), made("overlay", ["lowerdir+=/a"])];
  assert.equal(labelledMounts(mounts, undefined, "/empty"), mounts);
});

test("a label is for file systems of the container's own, and the pod's memory; not for what the node has", () => {
  const mounts = [
    made("tmpfs", ["mode=755"]),
    made("devpts"),
    made("bind", ["rbind"], "lichen:shm"),
    made("bind", ["rbind"], "/home/x"),
    ...["proc", "sysfs", "mqueue", "cgroup"].map((type) => made(type)),
  ];
  const options = labelledMounts(mounts, label, "/empty").map((mount) => mount.options.at(-1));
  const context = `context=${label}`;
  assert.deepEqual(options, [context, context, context, "rbind", ...Array(4).fill(undefined)]);
  assert.deepEqual(mounts[0]?.options, ["mode=755"], "what was given is left alone");
});

test("an image of one layer gets a second, empty one", () => {
  const options = (...layers: string[]) =>
    labelledMounts([made("overlay", ["ro", ...layers])], label, "/empty")[0]?.options;
  assert.deepEqual(options("lowerdir+=/a"), ["ro", "lowerdir+=/a", "lowerdir+=/empty", `context=${label}`]);
  assert.deepEqual(options("lowerdir+=/a", "lowerdir+=/b"), [
    "ro",
    "lowerdir+=/a",
    "lowerdir+=/b",
    `context=${label}`,
  ]);
});

test("volumes to relabel are those of the node that ask for it, where their links lead", () => {
  const asked = (more: Partial<Mount>): Mount => mount(more);
  const mounts = [
    asked({ selinuxRelabel: true, containerPath: "/one" }),
    asked({ selinuxRelabel: false, containerPath: "/two" }),
    asked({ selinuxRelabel: true, containerPath: "/image" }),
  ];
  const sources = [made("bind", [], "/real/one"), made("bind", [], "/real/two"), made("overlay")];
  assert.deepEqual(relabelRequests(mounts, sources), [{ source: "/real/one", containerPath: "/one" }]);
});

test("a container without a label relabels nothing; one with a label that cannot is refused", async () => {
  const request = (source: string) => [{ source, containerPath: "/volume" }];
  await relabel(request("/nowhere"), {});
  await assert.rejects(relabel(request("/nowhere"), { process: "u:r:t" }), refused(/no label for files/));
  for (const source of ["/", homedir()])
    await assert.rejects(
      relabel(request(source), { process: "u:r:t", files: label }),
      refused(/other programs/),
    );
  await assert.rejects(
    relabel(request("/nowhere"), { process: "u:r:t", files: label }),
    refused(/relabel volume \/nowhere \(\/volume\).*ENOENT/),
  );
});

test("where the kernel takes no label for a file, the volume is not the container's", {
  skip: selinuxContext() !== "" && "SELinux is active",
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "lichen-label-"));
  mkdirSync(join(folder, "deep"));
  const labels = { process: "u:r:t:s0", files: label };
  // Without SELinux the attribute is an administrator's alone to set, or the file system has none.
  const outcome = await relabel([{ source: folder, containerPath: "/v" }], labels).catch((error) => error);
  if (outcome !== undefined) assert.ok(refused(/only the owner of a file/)(outcome), String(outcome));
  rmSync(folder, { recursive: true });
});
