import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { flatNumber, numberAt, skipFields, valueStart } from "../../../src/resources/usage/scan.ts";

test("numbers are read as Number() reads them, whatever follows", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 53 - 1 }), fc.constantFrom("", " ", "\n", "x", " 7"), (number, tail) => {
      assert.equal(numberAt(`ab${number}${tail}`, 2), number);
    }),
  );
  for (const fraction of ["0.00", "4.30", "99.99", "100.00", "0.07"])
    assert.equal(numberAt(`avg=${fraction} total=1`, 4), Number(fraction));
});

test("where no number begins there is 0", () => {
  for (const text of ["", "x", " 1", "-1", "max"]) assert.equal(numberAt(text, 0), 0);
  assert.equal(numberAt("1", 5), 0);
  assert.equal(numberAt("1", -1), 0);
});

test("a key is found at the start of its line only", () => {
  const text = "inactive_file 3\nfile 5\nfile_mapped 7\nRss:     12 kB\n";
  assert.equal(flatNumber(text, "file "), 5);
  assert.equal(flatNumber(text, "inactive_file "), 3);
  assert.equal(flatNumber(text, "file_mapped "), 7);
  assert.equal(flatNumber(text, "mapped "), undefined);
  assert.equal(numberAt(text, valueStart(text, "Rss:")), 12);
  assert.equal(valueStart(text, "Pss:"), -1);
  assert.equal(flatNumber("max max\n", "max "), undefined, "no number");
  assert.equal(flatNumber(undefined, "file "), undefined);
});

test("fields are found by the spaces before them; beyond the last is the end", () => {
  const text = "R 1 22 333";
  assert.equal(skipFields(text, 0, 0), 0);
  assert.equal(numberAt(text, skipFields(text, 0, 2)), 22);
  assert.equal(numberAt(text, skipFields(text, skipFields(text, 0, 1), 2)), 333);
  assert.equal(skipFields(text, 0, 9), text.length);
});

test("every flat text tells each of its numbers", () => {
  const keys = fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,12}$/), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(keys, fc.nat(), (names, seed) => {
      const text = names.map((name, index) => `${name} ${seed + index}\n`).join("");
      for (const [index, name] of names.entries()) assert.equal(flatNumber(text, `${name} `), seed + index);
    }),
  );
});
