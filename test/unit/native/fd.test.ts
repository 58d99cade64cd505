import assert from "node:assert/strict";
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LichenError } from "../../../src/errors.ts";
import { nativeCode } from "../../../src/native/failure.ts";
import {
  adoptFd,
  chunkReader,
  memfd,
  O_PATH,
  openDirectory,
  openPath,
  pipe,
  readStream,
  writeStream,
} from "../../../src/native/fd.ts";

const openFds = () => readdirSync("/proc/self/fd").length;
const flagsOf = (fd: number) =>
  Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8);
const O_CLOEXEC = 0o2000000;

test("a pipe carries bytes and both ends are close-on-exec", () => {
  const { read, write } = pipe();
  writeSync(write.number, "hello");
  const buffer = Buffer.alloc(5);
  assert.equal(readSync(read.number, buffer), 5);
  assert.equal(buffer.toString(), "hello");
  assert.ok(flagsOf(read.number) & O_CLOEXEC);
  assert.ok(flagsOf(write.number) & O_CLOEXEC);
  read.close();
  write.close();
});

test("close works once, closing again is nothing, using a closed one is an error", () => {
  const { read, write } = pipe();
  const number = read.number;
  assert.equal(read.closed, false);
  read.close();
  assert.equal(read.closed, true);
  assert.throws(() => fstatSync(number), { code: "EBADF" });
  read.close();
  assert.throws(() => read.number, { code: "EBADF" });
  assert.throws(() => read.duplicate(), { code: "EBADF" });
  write.close();
});

test("using closes at the end of the block, also when it throws", () => {
  let number = -1;
  assert.throws(() => {
    using fd = openDirectory("/");
    number = fd.number;
    throw new Error("stop");
  }, /stop/);
  assert.throws(() => fstatSync(number), { code: "EBADF" });
});

test("release gives the number away", () => {
  const fd = openPath("/dev/null", constants.O_RDONLY);
  const number = fd.release();
  assert.equal(fd.closed, true);
  fd.close();
  fstatSync(number);
  closeSync(number);
});

test("duplicates are independent", () => {
  using fd = openPath("/dev/null", constants.O_RDONLY);
  using copy = fd.duplicate();
  assert.notEqual(copy.number, fd.number);
  fd.close();
  assert.ok(fstatSync(copy.number).isCharacterDevice());
});

test("a memfd has its content from the beginning and never changes", () => {
  using fd = memfd("spec", '{"ociVersion":"1.2.0"}');
  assert.equal(readFileSync(`/proc/self/fd/${fd.number}`, "utf8"), '{"ociVersion":"1.2.0"}');
  assert.throws(() => writeSync(fd.number, "x"), { code: "EPERM" });
  using empty = memfd("empty", Buffer.alloc(0));
  assert.equal(fstatSync(empty.number).size, 0);
  const large = Buffer.alloc(5_000_000, 7);
  using big = memfd("big", large);
  assert.ok(readFileSync(`/proc/self/fd/${big.number}`).equals(large));
});

test("what cannot be opened is a LichenError that names it, with the caller's stack", () => {
  const failing = () => openPath("/nonexistent/file", constants.O_RDONLY);
  assert.throws(failing, (error: unknown) => {
    assert.ok(error instanceof LichenError);
    assert.equal(error.code, "NOT_FOUND");
    assert.equal(error.operation, "open");
    assert.equal(error.object, '"/nonexistent/file"');
    assert.equal(error.message, 'open "/nonexistent/file": No such file or directory (ENOENT)');
    assert.match(error.stack ?? "", /fd\.test\.ts/);
    assert.equal(nativeCode(error), "ENOENT");
    return true;
  });
});

test("files are made with the mode asked for", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "lichen-fd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "file");
  using fd = openPath(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o640);
  assert.equal(fstatSync(fd.number).mode & 0o777, 0o640);
  assert.throws(() => openPath(path, constants.O_CREAT | constants.O_EXCL), { code: "ALREADY_EXISTS" });
});

test("an O_PATH directory is a place to name things from", () => {
  using root = openPath("/proc", O_PATH | constants.O_DIRECTORY);
  assert.match(readFileSync(`/proc/self/fd/${root.number}/self/comm`, "utf8"), /./);
});

test("descriptors that were inherited can be adopted, others not", () => {
  const { read, write } = pipe();
  const number = read.release();
  using adopted = adoptFd(number);
  assert.equal(adopted.number, number);
  assert.throws(() => adoptFd(987_654), { code: "INTERNAL" });
  write.close();
});

test("streams own the descriptor", async () => {
  const { read, write } = pipe();
  const output = writeStream(write);
  const input = readStream(read);
  assert.ok(read.closed && write.closed);
  output.end("through the pipe");
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(chunk as Buffer);
  assert.equal(Buffer.concat(chunks).toString(), "through the pipe");
});

test("a lost Fd is closed when it is collected", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const before = openFds();
  for (let i = 0; i < 50; i++) pipe();
  assert.equal(openFds(), before + 100);
  for (let i = 0; i < 50 && openFds() > before; i++) {
    collect();
    await turn();
  }
  assert.equal(openFds(), before);
});

test("nothing is left open by a thousand failures and successes", () => {
  const before = openFds();
  for (let i = 0; i < 1000; i++) {
    const { read, write } = pipe();
    read.close();
    write.close();
    memfd("x", "y").close();
    assert.throws(() => openPath("/nonexistent", 0));
  }
  assert.equal(openFds(), before);
});

test("a chunk reader reads into its reader's memory, waits when told to, and ends", async () => {
  const { read, write } = pipe();
  const buffer = Buffer.alloc(4);
  const heard: string[] = [];
  const stream = chunkReader(read, {
    buffer: () => buffer,
    onChunk: (length) => {
      heard.push(String(buffer.subarray(0, length)));
      return false;
    },
  });
  const ended = new Promise((resolve) => stream.once("end", resolve));
  writeSync(write.number, "one two");
  while (heard.length === 0) await turn();
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.deepEqual(heard, ["one "], "it did not wait");
  stream.resume();
  while (heard.length === 1) await turn();
  assert.deepEqual(heard, ["one ", "two"]);
  stream.resume();
  write.close();
  await ended;
});
