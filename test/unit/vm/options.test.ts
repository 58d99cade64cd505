import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOptions } from "../../vm/options.ts";

describe("the options of a run in the VM", () => {
  it("have defaults for everything but the directory", () => {
    assert.deepEqual(parseOptions(["--directory", "/tmp/x"]), {
      filters: [],
      critest: "core",
      command: undefined,
      machines: ["apparmor", "selinux"],
      limitMinutes: 60,
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

  it("leave critest out when tests are chosen, unless it is asked for", () => {
    const critest = (...args: string[]) => parseOptions(["--directory", "/tmp/x", ...args]).critest;
    assert.equal(critest("limits"), "none");
    assert.equal(critest("critest"), "core");
    assert.equal(critest("limits", "--critest", "core"), "core");
    assert.equal(parseOptions(["--directory", "/tmp/x", "--critest", "whole"]).limitMinutes, 180);
  });

  it("choose one of the two VMs, which for a command line is the one with AppArmor", () => {
    const machines = (...args: string[]) => parseOptions(["--directory", "/tmp/x", ...args]).machines;
    assert.deepEqual(machines("--security", "selinux"), ["selinux"]);
    assert.deepEqual(machines("--command", "true"), ["apparmor"]);
    assert.deepEqual(machines("--command", "true", "--security", "selinux"), ["selinux"]);
  });

  it("are refused with the usage when they mean nothing", () => {
    for (const wrong of [
      ["--limit", "soon"],
      ["--limit", "0"],
      ["--accelerator", "hvf"],
      ["--critest", "some"],
      ["--security", "smack"],
      ["--fast"],
    ]) {
      assert.throws(
        () => parseOptions(["--directory", "/tmp/x", ...wrong]),
        /npm run test:vm/,
        wrong.join(" "),
      );
    }
  });
});
