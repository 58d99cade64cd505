import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { json, table } from "../../../src/cli/output.ts";

test("columns are as wide as their widest cell and lines end without spaces", () => {
  const text = table(
    ["A", "LONG"],
    [
      ["wide cell", "x"],
      ["b", ""],
    ],
  );
  assert.equal(text, "A          LONG\nwide cell  x\nb\n");
});

test("colours do not count for the width", () => {
  const [, coloured = "", plain = ""] = table(
    ["A", "B"],
    [
      ["\u001b[32mok\u001b[39m", "1"],
      ["ok", "1"],
    ],
  ).split("\n");
  assert.equal(stripVTControlCharacters(coloured), plain);
});

test("a table without rows is its header", () => {
  assert.equal(table(["A", "B"], []), "A  B\n");
});

test("JSON carries bytes as base64 and large numbers as strings", () => {
  const value = { bytes: Buffer.from("hello"), array: new Uint8Array([1, 2]), at: 2n ** 60n, none: null };
  assert.deepEqual(JSON.parse(json(value)), {
    bytes: "aGVsbG8=",
    array: "AQI=",
    at: "1152921504606846976",
    none: null,
  });
});
