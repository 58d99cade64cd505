import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { cloneTree, detachMount, overlay } from "../../../src/native/mounts.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { removeTree } from "../../support/remove-tree.ts";

if (inNamespaces()) {
  const scratch = mkdtempSync(join(tmpdir(), "lichen-mounts-"));
  after(() => removeTree(scratch));
  const directory = (name: string, files: Record<string, string> = {}) => {
    const path = join(scratch, name);
    mkdirSync(path, { recursive: true });
    for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
    return path;
  };
  const mountTable = () => readFileSync("/proc/self/mountinfo", "utf8");
  const openFds = () => readdirSync("/proc/self/fd").length;

  test("an overlay joins layers, takes changes, and is in no mount table", async () => {
    const before = { table: mountTable(), fds: openFds() };
    const lower = [directory("top", { both: "top" }), directory("base", { both: "base", only: "base" })];
    const upper = directory("upper");
    const root = await overlay({ lower, upper, work: directory("work") });
    const at = `/proc/self/fd/${root.number}`;
    assert.deepEqual(readdirSync(at).sort(), ["both", "only"]);
    assert.equal(readFileSync(`${at}/both`, "utf8"), "top");
    writeFileSync(`${at}/only`, "changed");
    assert.equal(readFileSync(join(upper, "only"), "utf8"), "changed");
    assert.equal(readFileSync(join(scratch, "base/only"), "utf8"), "base");
    assert.equal(mountTable(), before.table);
    root.close();
    assert.equal(openFds(), before.fds);
  });

  test("what is mounted is detached, also while it is in use, and what is not is left alone", async () => {
    const place = directory("place", { below: "below" });
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", place]);
    writeFileSync(join(place, "above"), "");
    const used = openSync(join(place, "above"), "r");
    detachMount(place);
    closeSync(used);
    assert.deepEqual(readdirSync(place), ["below"]);
    detachMount(place);
    detachMount(join(place, "missing"));
    assert.deepEqual(readdirSync(place), ["below"]);
    assert.throws(() => detachMount(join(place, "below/x")), { operation: "umount" });
  });

  test("without a place for changes there are none", async () => {
    const lower = [directory("a", { file: "a" }), directory("b")];
    for (const layers of [lower, lower.slice(0, 1)]) {
      using root = await overlay({ lower: layers });
      assert.throws(() => writeFileSync(`/proc/self/fd/${root.number}/file`, ""), { code: "EROFS" });
    }
    using root = await overlay({ lower, upper: directory("u2"), work: directory("w2"), readonly: true });
    assert.throws(() => writeFileSync(`/proc/self/fd/${root.number}/new`, ""), { code: "EROFS" });
  });

  test("a hundred layers", async () => {
    const lower = Array.from({ length: 100 }, (_, i) =>
      directory(`layer${i}`, { [`file${i}`]: "", shared: `${i}` }),
    );
    using root = await overlay({ lower });
    assert.equal(readdirSync(`/proc/self/fd/${root.number}`).length, 101);
    assert.equal(readFileSync(`/proc/self/fd/${root.number}/shared`, "utf8"), "0");
  });

  test("failures say what and why, and leave nothing open", async () => {
    const before = openFds();
    const a = directory("a2");
    await assert.rejects(overlay({ lower: [a, "/nonexistent/layer"] }), {
      code: "NOT_FOUND",
      message: /lowerdir\+ "\/nonexistent\/layer"/,
    });
    await assert.rejects(overlay({ lower: [] }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(overlay({ lower: [a], upper: directory("u3") }), {
      code: "INVALID_ARGUMENT",
      message: /upper and work directory go together/,
    });
    await assert.rejects(overlay({ lower: [a], upper: "/proc", work: "/proc" }), /mount overlay/);
    await assert.rejects(cloneTree("/nonexistent"), { code: "NOT_FOUND", operation: "open_tree" });
    assert.equal(openFds(), before);
  });

  test("a tree is cloned as a bind mount would show it, read-only if asked for", async () => {
    const tree = directory("tree", { file: "content" });
    using writable = await cloneTree(tree);
    writeFileSync(`/proc/self/fd/${writable.number}/new`, "");
    assert.ok(existsSync(join(tree, "new")));
    using readonly = await cloneTree(tree, { readonly: true });
    assert.throws(() => writeFileSync(`/proc/self/fd/${readonly.number}/new2`, ""), { code: "EROFS" });
    writeFileSync(join(tree, "original stays writable"), "");
    // A copied mount table has its mounts locked together: without those below, it may not be cloned.
    using withMounts = await cloneTree("/proc", { recursive: true, readonly: true });
    assert.ok(existsSync(`/proc/self/fd/${withMounts.number}/self`));
  });
}
