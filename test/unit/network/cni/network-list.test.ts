import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { LichenError } from "../../../../src/errors.ts";
import { loadNetwork, parseNetwork, speaks } from "../../../../src/network/cni/network-list.ts";

const folder = mkdtempSync(join(tmpdir(), "lichen-cni-"));
after(() => rmSync(folder, { recursive: true }));

const parse = (list: unknown) => parseNetwork(JSON.stringify(list), "net.conflist");
const plugin = { type: "bridge", bridge: "br0", capabilities: { portMappings: true, bandwidth: false } };

function directoryWith(files: Record<string, string>): string {
  const directory = mkdtempSync(join(folder, "d-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

describe("a network's file", () => {
  test("a list: plugins in order, with the capabilities that they ask for", () => {
    const list = parse({
      name: "pods",
      cniVersion: "1.0.0",
      plugins: [plugin, { type: "tuning" }],
      disableCheck: "true",
    });
    assert.equal(list.name, "pods");
    assert.equal(list.disableCheck, true);
    assert.equal(list.disableGc, false);
    assert.deepEqual(
      list.plugins.map(({ type, capabilities }) => [type, capabilities]),
      [
        ["bridge", ["portMappings"]],
        ["tuning", []],
      ],
    );
    assert.deepEqual(list.plugins[0]?.config, plugin);
  });

  test("the older form with a single plugin", () => {
    const { name, cniVersion, plugins } = parse({ name: "one", cniVersion: "0.4.0", type: "bridge" });
    assert.deepEqual([name, cniVersion, plugins.map(({ type }) => type)], ["one", "0.4.0", ["bridge"]]);
  });

  test("the highest version that both sides speak; 0.2.0 where none is given", () => {
    const versions = (cniVersion?: string, cniVersions?: string[]) =>
      parse({ name: "a", cniVersion, cniVersions, plugins: [plugin] }).cniVersion;
    assert.equal(versions(), "0.2.0");
    assert.equal(versions("0.4.0", ["1.0.0", "1.1.0", "9.0.0"]), "1.1.0");
    assert.throws(() => versions("9.0.0"), /9\.0\.0 is not one of/);
    assert.ok(speaks("1.0.0", "0.4.0") && !speaks("0.3.1", "0.4.0") && !speaks("9.9.9", "0.1.0"));
  });

  for (const [what, text, reason] of [
    ["no JSON", "{", /not JSON/],
    ["a list at the top", "[]", /must be an object/],
    ["no plugins", '{"name":"a","plugins":[]}', /must be a list that is not empty/],
    ["neither plugins nor type", '{"name":"a"}', /must be a list that is not empty/],
    ["a plugin by path", '{"name":"a","plugins":[{"type":"../evil"}]}', /plugins\[0\]\.type.*evil/],
    ["a plugin without a type", '{"name":"a","plugins":[{"type":"x"},{}]}', /plugins\[1\]\.type/],
    ["a name that would be a path", '{"name":"a/b","plugins":[{"type":"x"}]}', /"name" must begin/],
    ["no name", '{"plugins":[{"type":"x"}]}', /"name" must begin/],
    [
      "a flag that is none",
      '{"name":"a","disableCheck":1,"plugins":[{"type":"x"}]}',
      /"disableCheck" must be/,
    ],
  ] as const) {
    test(`is refused with ${what}, by file and reason`, () => {
      assert.throws(
        () => parseNetwork(text, "10-x.conflist"),
        (error) =>
          error instanceof LichenError &&
          error.code === "FAILED_PRECONDITION" &&
          error.object === "10-x.conflist" &&
          reason.test(error.message),
      );
    });
  }
});

describe("which file is taken", () => {
  const text = (name: string) => JSON.stringify({ name, cniVersion: "1.0.0", plugins: [{ type: "x" }] });

  test("the first by name of the first directory that has one", () => {
    const empty = directoryWith({ "readme.txt": "no" });
    const full = directoryWith({ "20-b.conflist": text("b"), "10-a.conf": text("a"), "05.bak": "{" });
    const other = directoryWith({ "00-c.conflist": text("c") });
    assert.equal(loadNetwork([join(folder, "missing"), empty, full, other]).name, "a");
  });

  test("a broken file is told, not passed over", () => {
    const directory = directoryWith({ "10-a.conflist": "{", "20-b.conflist": text("b") });
    assert.throws(() => loadNetwork([directory]), /10-a\.conflist: it is not JSON/);
  });

  test("a file that cannot be read, and none at all", () => {
    const directory = directoryWith({});
    mkdirSync(join(directory, "10-a.conflist"));
    assert.throws(() => loadNetwork([directory]), /10-a\.conflist: EISDIR/);
    assert.throws(
      () => loadNetwork([join(folder, "missing")]),
      (error) =>
        error instanceof LichenError && error.code === "FAILED_PRECONDITION" && error.hint !== undefined,
    );
  });
});
