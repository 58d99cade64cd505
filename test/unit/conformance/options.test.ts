import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { critestArguments } from "../../conformance/critest.ts";
import { writeMirrors } from "../../conformance/mirrors.ts";
import { parseOptions } from "../../conformance/options.ts";

const directory = ["--directory", "/tmp/d"];

describe("the command line of a conformance run", () => {
  it("has a whole run in ten minutes as its default", () => {
    const options = parseOptions(directory);
    assert.deepEqual(options, { focus: undefined, seed: undefined, limitMinutes: 10, directory: "/tmp/d" });
  });

  it("takes a focus, an order and a limit, and lets pass what is the script's", () => {
    const options = parseOptions([
      ...directory,
      "--focus",
      "Image",
      "--seed=7",
      "--limit",
      "3",
      "--update",
      "--keep",
    ]);
    assert.deepEqual(options, { focus: "Image", seed: 7, limitMinutes: 3, directory: "/tmp/d" });
  });

  for (const args of [["--seed", "x"], ["--limit", "-1"], ["--foucs", "x"], ["Image"]]) {
    it(`refuses ${args.join(" ")}, and says what there is`, () => {
      assert.throws(() => parseOptions([...directory, ...args]), /--focus REGEX/);
    });
  }
});

describe("critest's command line", () => {
  const options = {
    program: "critest",
    enter: [],
    socket: "/run/l/lichen.sock",
    directory: "/tmp/d",
    timeLimitMinutes: 3,
    onProgress: () => {},
  };

  it("names the socket, the report and the limit", () => {
    const args = critestArguments(options, "/tmp/d/report.json");
    assert.ok(args.includes("--runtime-endpoint=unix:///run/l/lichen.sock"));
    assert.ok(args.includes("--ginkgo.json-report=/tmp/d/report.json"));
    assert.ok(args.includes("--ginkgo.timeout=3m"));
    assert.ok(!args.some((arg) => /focus|seed/.test(arg)));
  });

  it("carries focus and seed when they are given, 0 too", () => {
    const args = critestArguments({ ...options, focus: "a b", seed: 0 }, "r");
    assert.deepEqual(args.slice(-2), ["--ginkgo.focus=a b", "--ginkgo.seed=0"]);
  });
});

describe("mirrors", () => {
  it("are written once for each host, with nothing behind them", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "lichen-mirrors-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeMirrors(folder, ["a.test/x:1", "a.test/y:1", "b.test:5000/z/z:2"], "http://127.0.0.1:9");
    for (const host of ["a.test", "b.test:5000"]) {
      assert.equal(
        readFileSync(join(folder, host, "hosts.toml"), "utf8"),
        'server = "http://127.0.0.1:9"\n[host."http://127.0.0.1:9"]\ncapabilities = ["pull", "resolve"]\n',
      );
    }
  });
});
