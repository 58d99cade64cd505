import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { follow, LogFile } from "../../../src/cli/follow.ts";
import { keepTail, type LogLine, parseLogLine, printed, RecordReader, tail } from "../../../src/cli/log.ts";

const time = "2026-01-02T03:04:05.000000006Z";
const line = (text: string, complete = true): LogLine => ({ time, stream: "stdout", complete, text });

test("records are told apart by stream and by whether the line goes on", () => {
  assert.deepEqual(parseLogLine(`${time} stdout F hello world`), line("hello world"));
  assert.deepEqual(parseLogLine(`${time} stderr P half`), {
    time,
    stream: "stderr",
    complete: false,
    text: "half",
  });
  assert.deepEqual(parseLogLine(`${time} stdout F `), line(""), "an empty line");
  assert.deepEqual(
    parseLogLine(`${time} stdout F`),
    line(""),
    "an empty line of which the space was trimmed",
  );
  assert.deepEqual(
    parseLogLine(`${time} stdout F:tag text`),
    line("text"),
    "tags after the flag are skipped",
  );
});

test("what is no record is left out", () => {
  for (const torn of ["", "hello", `${time} stdout`, `${time} stdlog F x`, `${time} stdout X x`]) {
    assert.equal(parseLogLine(torn), undefined, JSON.stringify(torn));
  }
});

test("only complete lines are printed with a newline", () => {
  assert.equal([line("a", false), line("b")].map(printed).join(""), "ab\n");
});

test("the tail counts lines as the process wrote them, not records", () => {
  const lines = [line("1"), line("2a", false), line("2b"), line("3")];
  assert.deepEqual(tail(lines, 2), lines.slice(1));
  assert.deepEqual(tail(lines, 0), []);
  assert.deepEqual(tail(lines, 9), lines);
});

test("records come out whole however the bytes were cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""))),
      fc.nat(7),
      (records, size) => {
        const bytes = Buffer.from(records.map((record) => `${record}\n`).join(""));
        const reader = new RecordReader();
        const read: string[] = [];
        for (let at = 0; at < bytes.length; at += size + 1)
          read.push(...reader.push(bytes.subarray(at, at + size + 1)));
        assert.deepEqual(read, records);
      },
    ),
  );
});

/** Runs the steps, looking at the log after each, and gives what was read. */
async function followed(path: string, steps: (() => Promise<unknown>)[]): Promise<[string[], number]> {
  const got: string[] = [];
  let missed = 0;
  const log = new LogFile(path, () => missed++);
  const ended = async () => {
    await steps.shift()?.();
    return steps.length === 0;
  };
  await follow(log, ended, (lines) => got.push(...lines.map((read) => read.text)));
  await log.close();
  return [got, missed];
}

test("several rotations between two looks are followed file by file, and what was rotated before is read first", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "lichen-log-"));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, "0.log");
  let written = 0;
  const write = async (count: number) => {
    for (let line = 0; line < count; line++) await appendFile(path, `${time} stdout F ${written++}\n`);
  };
  const rotate = async () => {
    for (let number = 4; number > 0; number--)
      await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(() => {});
    await rename(path, `${path}.1`);
  };
  await writeFile(`${path}.20260101-000000.gz`, "not looked into");
  const steps = [
    async () => {
      await write(3);
      await rotate();
      await write(2);
    },
    async () => {
      for (let times = 0; times < 3; times++) {
        await write(2);
        await rotate();
      }
    },
    () => write(1),
    async () => {
      // As a kubelet does: renamed, written to under its new name, and then opened anew.
      await rename(path, `${path}.20260102-030405`);
      await appendFile(`${path}.20260102-030405`, `${time} stdout F ${written++}\n`);
    },
    () => write(2),
  ];
  const [got, missed] = await followed(path, steps);
  assert.deepEqual(
    got,
    Array.from({ length: written }, (_, line) => String(line)),
  );
  assert.equal(missed, 0);
});

test("what was removed before it could be read is told", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "lichen-log-"));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, "0.log");
  const write = (text: string) => appendFile(path, `${time} stdout F ${text}\n`);
  const steps = [
    () => write("first"),
    async () => {
      await write("second");
      await rm(path);
      await write("lost");
      await rm(path);
      await write("fourth");
    },
    async () => {},
  ];
  assert.deepEqual(await followed(path, steps), [["first", "second", "fourth"], 1]);
});

test("a followed log gives everything that was written before the end, also across rotation", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "lichen-log-"));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, "0.log");
  const write = (text: string) => appendFile(path, `${time} stdout F ${text}\n`);
  await write("first");
  const steps = [
    () => write("second"),
    async () => {
      await rename(path, `${path}.1`);
      await writeFile(path, "");
      await write("after rotation");
    },
    () => write("last words"),
  ];
  const got: string[] = [];
  const log = new LogFile(path);
  const ended = async () => {
    await steps.shift()?.();
    return steps.length === 0;
  };
  await follow(log, ended, (lines) => got.push(...lines.map((read) => read.text)));
  await log.close();
  assert.deepEqual(got, ["first", "second", "after rotation", "last words"]);
});

test("of a log of any length its last lines are kept, however many", () => {
  const line = (number: number): LogLine => ({
    time: "t",
    stream: "stdout",
    complete: number % 3 !== 0,
    text: String(number),
  });
  for (const count of [0, 1, 1000, 200_000]) {
    const all: LogLine[] = [];
    const kept: LogLine[] = [];
    for (let start = 0; start < 900_000; start += 30_000) {
      const more = Array.from({ length: 30_000 }, (_, at) => line(start + at));
      for (const one of more) all.push(one);
      keepTail(kept, more, count);
    }
    assert.ok(kept.length < 900_000, `${kept.length} of ${count}`);
    assert.deepEqual(tail(kept, count), tail(all, count));
  }
});
