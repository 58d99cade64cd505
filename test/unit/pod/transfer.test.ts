import assert from "node:assert/strict";
import { writeSync } from "node:fs";
import { PassThrough, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { type Fd, pipe, readStream } from "../../../src/native/fd.ts";
import { drained, pump, type Transfer, transfer } from "../../../src/pod/streams/transfer.ts";
import { withinTime } from "../../../src/pod/timer.ts";

/** Keeps everything else of this process from running. */
function stall(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const ways: Record<string, (source: Fd, target: Writable) => Transfer> = {
  pump,
  transfer: (source, target) => transfer(readStream(source), target),
};

for (const [name, start] of Object.entries(ways)) {
  test(`${name}: what is in the pipe when the time is over has come, though nobody could look`, async () => {
    const { read, write } = pipe();
    const target = new PassThrough();
    const text = buffer(target);
    const running = start(read, target);
    const done = drained([running], 40);
    writeSync(write.number, "the last words");
    stall(80);
    await done;
    target.end();
    assert.equal((await text).toString(), "the last words");
    write.close();
    await running.ended;
  });

  test(`${name}: a pipe that somebody keeps open ends when it is quiet, not before a slow client has taken all`, async () => {
    const { read, write } = pipe();
    const taken: Buffer[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        taken.push(Buffer.from(chunk));
        setTimeout(done, 60);
      },
    });
    const running = start(read, slow);
    const done = drained([running], 40);
    writeSync(write.number, "one ");
    // Comes while the client is busy with the first part, and is read only when it has taken that.
    setTimeout(() => writeSync(write.number, "two"), 20);
    await done;
    assert.equal(Buffer.concat(taken).toString(), "one two");
    write.close();
    await running.ended;
  });
}

test("what a promise gives counts up to the moment of looking", async () => {
  const { read, write } = pipe();
  const stream = readStream(read);
  const heard = new Promise<string>((resolve) =>
    stream.once("data", (chunk: Buffer) => resolve(String(chunk))),
  );
  const answer = withinTime(heard, 20);
  writeSync(write.number, "in time");
  stall(50);
  assert.equal(await answer, "in time");
  assert.equal(await withinTime(new Promise(() => {}), 10), undefined);
  write.close();
  stream.destroy();
});
