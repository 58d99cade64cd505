import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";

const module = join(import.meta.dirname, "../../../src/daemon/log.ts");

/** What a process that opens the log as `log` and runs `source` writes to stderr, and how it ends. */
function run(level: string, source: string): { lines: Record<string, unknown>[]; status: number | null } {
  const program = `
    import { endOnFault, openLog } from ${JSON.stringify(module)};
    const log = openLog(${JSON.stringify(level)});
    ${source}`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.equal(done.stdout, "");
  return {
    lines: done.stderr
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
    status: done.status,
  };
}

describe("the daemon's log", () => {
  it("has a line an event, with level, time and message", () => {
    const { lines } = run("info", 'log.warn({ pod: "p" }, "odd"); log.child({ room: "cri" }).info("fine");');
    assert.equal(lines.length, 2);
    assert.equal(lines[0]?.level, "warn");
    assert.equal(lines[0]?.pod, "p");
    assert.equal(lines[0]?.msg, "odd");
    assert.ok(Math.abs(Date.parse(String(lines[0]?.time)) - Date.now()) < 60_000);
    assert.equal(lines[1]?.room, "cri");
  });

  it("keeps silent below the level", () => {
    assert.deepEqual(run("warn", 'log.info("quiet");').lines, []);
    assert.deepEqual(run("silent", 'log.fatal("quiet");').lines, []);
  });

  for (const [name, fault] of [
    ["an exception", 'setImmediate(() => { throw new TypeError("x is undefined"); });'],
    ["a rejected promise", 'Promise.reject(new TypeError("x is undefined"));'],
  ] as const) {
    it(`tells ${name} that nobody caught in one line, and ends`, () => {
      const { lines, status } = run("info", `endOnFault(log); setTimeout(() => {}, 60_000); ${fault}`);
      assert.equal(status, 1);
      assert.equal(lines.length, 1);
      assert.equal(lines[0]?.level, "fatal");
      assert.match(String((lines[0]?.err as { stack?: string } | undefined)?.stack), /x is undefined/);
    });
  }
});
