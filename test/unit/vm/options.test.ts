import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOptions } from "../../vm/options.ts";

describe("the options of a run in the VM", () => {
  it("have defaults for everything but the directory", () => {
    assert.deepEqual(parseOptions(["--directory", "/tmp/x"]), {
      filters: [],
      command: undefined,
      limitMinutes: 30,
      accelerator: "tcg",
      directory: "/tmp/x",
    });
    assert.throws(() => parseOptions([]), /--directory is missing/);
  });

  it("take filters between them", () => {
    const { filters, limitMinutes } = parseOptions([
      "limits",
      "--directory",
      "/tmp/x",
      "--limit",
      "5",
      "apparmor",
    ]);
    assert.deepEqual([filters, limitMinutes], [["limits", "apparmor"], 5]);
  });

  it("are refused with the usage when they mean nothing", () => {
    for (const wrong of [["--limit", "soon"], ["--limit", "0"], ["--accelerator", "hvf"], ["--fast"]]) {
      assert.throws(
        () => parseOptions(["--directory", "/tmp/x", ...wrong]),
        /npm run test:vm/,
        wrong.join(" "),
      );
    }
  });
});
