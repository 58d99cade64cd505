import assert from "node:assert/strict";
import { test } from "node:test";
import { memfd } from "../../../src/native/fd.ts";
import { SeccompFilters } from "../../../src/native/seccomp-filters.ts";

test("an equal profile finds its filter, another one does not", () => {
  const filters = new SeccompFilters();
  const filter = memfd("filter", "x");
  filters.keep({ defaultAction: "SCMP_ACT_ALLOW" }, filter);
  assert.equal(filters.find({ defaultAction: "SCMP_ACT_ALLOW" }), filter);
  assert.equal(filters.find({ defaultAction: "SCMP_ACT_ERRNO" }), undefined);
  filter.close();
});

test("beyond the limit the filter that was not used for longest goes, and is closed", () => {
  const filters = new SeccompFilters(2);
  const [a, b, c] = ["a", "b", "c"].map((name) => memfd(name, name));
  assert.ok(a && b && c);
  filters.keep({ name: "a" }, a);
  filters.keep({ name: "b" }, b);
  assert.equal(filters.find({ name: "a" }), a);
  filters.keep({ name: "c" }, c);
  assert.equal(filters.find({ name: "b" }), undefined);
  assert.ok(b.closed);
  assert.equal(filters.find({ name: "a" }), a);
  a.close();
  c.close();
});

test("a filter that was compiled twice replaces the first", () => {
  const filters = new SeccompFilters();
  const [first, second] = [memfd("1", "1"), memfd("2", "2")];
  filters.keep({ name: "a" }, first);
  filters.keep({ name: "a" }, second);
  assert.ok(first.closed);
  assert.equal(filters.find({ name: "a" }), second);
  second.close();
});
