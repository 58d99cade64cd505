import assert from "node:assert/strict";
import { constants, readFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import type { Fd } from "../../../src/native/addon.ts";
import { chunkReader, enlargePipe, openPath, pipe } from "../../../src/native/fd.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";

const mebibyte = 1 << 20;
/** Ids that no other test uses. */
const [full, other] = [54_321, 54_322];
/** Pages (pipe(7)); 0: no limit. */
const limit = Number(readFileSync("/proc/sys/fs/pipe-user-pages-soft", "utf8"));
const unlimited = limit === 0 || limit > 65_536 ? `pipe-user-pages-soft is ${limit}` : false;

if (inNamespaces("all")) {
  const open: Fd[] = [];
  const enlarge = (account?: number): boolean => {
    const { read, write } = pipe(account);
    open.push(read, write);
    return write.setPipeSize(mebibyte);
  };
  const closeAll = () => {
    for (const fd of open.splice(0)) fd.close();
  };

  test("what one account's pipes hold is no matter of another's", { skip: unlimited }, () => {
    const most = (limit * 4096) / mebibyte + 1;
    let enlarged = 0;
    while (enlarged <= most && enlarge(full)) enlarged++;
    assert.ok(enlarged < most, `${enlarged} MiB and no end`);
    assert.equal(enlarge(full), false);
    assert.equal(enlarge(other), true);
    closeAll();
    assert.equal(enlarge(full), true, "given back with the pipe");
    closeAll();
  });

  test("pipes without an account count for nobody that has many", { skip: unlimited }, () => {
    for (let count = 0; count < (limit * 4096) / mebibyte + 10; count++)
      assert.equal(enlarge(), true, `${count}`);
    closeAll();
  });

  test("this process is who it was", () => {
    const ids = () => /^Uid:.*$/m.exec(readFileSync("/proc/thread-self/status", "utf8"))?.[0];
    const before = ids();
    pipe(other).read.close();
    // No such id here: counted for the user, as any pipe.
    const { read, write } = pipe(4_000_000_000);
    assert.equal(read.closed, false);
    for (const fd of [read, write]) fd.close();
    assert.equal(ids(), before);
    assert.equal(process.getuid?.(), 0);
  });

  test("a stream's pipe is enlarged", () => {
    const { read, write } = pipe(other);
    const stream = chunkReader(read, { buffer: () => Buffer.alloc(1), onChunk: () => false });
    enlargePipe(stream);
    using end = openPath(`/proc/self/fd/${write.number}`, constants.O_WRONLY | constants.O_NONBLOCK);
    assert.equal(writeSync(end.number, Buffer.alloc(mebibyte)), mebibyte);
    stream.destroy();
    assert.equal(write.setPipeSize(1 << 30), false, "more than anybody may have");
    write.close();
    // Its descriptor is gone; nothing is to be done.
    enlargePipe(stream);
  });
}
