import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  bytesOption,
  capabilityOption,
  cpusOption,
  deviceOption,
  environmentFileOption,
  labelOption,
  nameOption,
  userOption,
} from "../../../src/cli/container-options.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-options-"));
after(() => rmSync(directory, { recursive: true }));

test("names are docker's", () => {
  for (const name of ["a", "web", "web_1", "Web.2-x", "0"]) assert.equal(nameOption(name), name);
  for (const wrong of ["", "-a", "_a", ".a", "a b", "a/b", "../a", "ü", "a\n", "a:b"])
    assert.throws(() => nameOption(wrong), /Give letters/, wrong);
});

test("sizes have docker's units", () => {
  const sizes = {
    "65536": 65_536,
    "1b": 1,
    "4k": 4096,
    "64m": 67_108_864,
    "64MB": 67_108_864,
    "1.5g": 1_610_612_736,
  };
  for (const [text, value] of Object.entries(sizes)) assert.equal(bytesOption(text), value, text);
  for (const wrong of ["", "0", "-1", "m", "64x", "1.2.3m", "64 m", "0.1b", "9999999999g"])
    assert.throws(() => bytesOption(wrong), /size/, wrong);
});

test("processors may be parts of one", () => {
  assert.equal(cpusOption("2"), 2);
  assert.equal(cpusOption("0.25"), 0.25);
  for (const wrong of ["", "0", "0.001", "-1", "two", "1,5"]) assert.throws(() => cpusOption(wrong), wrong);
});

test("a user is a name or a number, with a numeric group or without", () => {
  assert.deepEqual(userOption("1000"), { uid: 1000 });
  assert.deepEqual(userOption("0:0"), { uid: 0, gid: 0 });
  assert.deepEqual(userOption("www-data"), { name: "www-data" });
  assert.deepEqual(userOption("www-data:33"), { name: "www-data", gid: 33 });
  for (const wrong of ["", ":1", "a:staff", "1:2:3"]) assert.throws(() => userOption(wrong), /uid/, wrong);
});

test("capabilities are collected, however they are written", () => {
  const all = ["cap_net_admin", "KILL", "all"].reduce<string[]>(
    (before, each) => capabilityOption(each, before),
    [],
  );
  assert.deepEqual(all, ["NET_ADMIN", "KILL", "ALL"]);
  assert.throws(() => capabilityOption("net-admin"), /NET_ADMIN/);
});

test("a device keeps its name or has another, with permissions or all", () => {
  const fuse = { hostPath: "/dev/fuse", containerPath: "/dev/fuse", permissions: "rwm" };
  assert.deepEqual(deviceOption("/dev/fuse"), [fuse]);
  assert.deepEqual(deviceOption("/dev/fuse:/dev/x"), [{ ...fuse, containerPath: "/dev/x" }]);
  assert.deepEqual(deviceOption("/dev/fuse:r"), [{ ...fuse, permissions: "r" }]);
  assert.deepEqual(deviceOption("/dev/fuse:/dev/x:rw", [fuse]), [
    fuse,
    { hostPath: "/dev/fuse", containerPath: "/dev/x", permissions: "rw" },
  ]);
  for (const wrong of ["", "fuse", "/dev/fuse:x", "/dev/fuse:/dev/x:", "/dev/fuse:/dev/x:rx", "/a:/b:r:w"])
    assert.throws(() => deviceOption(wrong), /dev\/NODE/, wrong);
});

test("labels are collected; the last of a name counts", () => {
  assert.deepEqual(labelOption("c", labelOption("a=2", labelOption("a=b=c"))), { a: "2", c: "" });
  assert.throws(() => labelOption("=x"), /NAME=VALUE/);
});

test("a file of variables: comments and empty lines say nothing, a name alone has its value from here", () => {
  const file = join(directory, "env");
  process.env.LICHEN_TEST_FILE = "found";
  writeFileSync(file, "# comment\n\nA=b c\r\nLICHEN_TEST_FILE\n  EMPTY=\n");
  assert.deepEqual(
    environmentFileOption(file).map(({ key, value }) => [key, Buffer.from(value).toString()]),
    [
      ["A", "b c"],
      ["LICHEN_TEST_FILE", "found"],
      ["EMPTY", ""],
    ],
  );
  assert.throws(() => environmentFileOption(join(directory, "none")), /ENOENT/);
});
