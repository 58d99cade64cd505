import assert from "node:assert/strict";
import { test } from "node:test";
import { addon } from "../../../src/native/addon.ts";
import { pipe, socketPair } from "../../../src/native/fd.ts";

// The addon is called with whatever JavaScript has: none of it may be more than a TypeError that says what is wrong.
const raw = addon() as unknown as Record<string, (...args: unknown[]) => unknown>;
const construct = (name: string, ...args: unknown[]) =>
  Reflect.construct(raw[name] as never, args) as Record<string, (...args: unknown[]) => unknown>;
const junk = [
  undefined,
  null,
  0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  "",
  "x",
  true,
  {},
  [],
  () => {},
  Symbol("s"),
  10n,
];

test("every function refuses what is not of its type", () => {
  const wrong: [string, unknown[], RegExp][] = [
    ["memfd", [1, Buffer.alloc(1)], /^memfd: name must be a string$/],
    ["memfd", ["a\0b", Buffer.alloc(1)], /^memfd: name must be a string without NUL$/],
    ["memfd", ["a", "text"], /^memfd: bytes must be a Buffer$/],
    ["open", ["/"], /^open: flags must be a whole number/],
    ["open", ["/", 0, "0644"], /^open: mode must be a whole number from 0 to 4095$/],
    ["connect", [Buffer.from("/x")], /^connect: path must be a string$/],
    ["spawn", [], /^spawn: the argument must be an object$/],
    ["spawn", [{ file: "/bin/true", args: "x" }], /^spawn: args must be an array$/],
    ["spawn", [{ file: "/bin/true", args: [1] }], /^spawn: args must be a string$/],
    ["spawn", [{ file: "/bin/true", args: [], env: [], fds: [3] }], /^spawn: every element of fds/],
    ["spawn", [{ file: "/bin/true", args: [], env: [], fds: [], cwd: 1 }], /^spawn: cwd must be a string$/],
    ["openPidfd", ["1"], /^openPidfd: pid must be a whole number/],
    ["openPidfd", [0], /^openPidfd: pid must be a whole number from 1/],
    ["signalPidfd", [1, 9], /^signalPidfd: pidfd must be an open Fd$/],
    ["overlay", [{ lower: null }], /^overlay: lower must be an array$/],
    ["overlay", [{ lower: [], readonly: 1 }], /^overlay: readonly must be a boolean$/],
    ["cloneTree", ["/"], /^cloneTree: the argument must be an object$/],
    ["createCgroup", [], /^createCgroup: path must be a string$/],
    ["killCgroup", ["/x", -1], /^killCgroup: timeoutMs must be a whole number/],
    ["removeCgroup", ["/x", 1e9], /^removeCgroup: timeoutMs must be a whole number/],
    ["ensureBridge", [{ name: "b", addresses: [], mtu: 10 }], /^ensureBridge: mtu must be a whole number/],
    [
      "masquerade",
      [{ table: "t", sources: [], exceptBridge: 1 }],
      /^masquerade: exceptBridge must be a string$/,
    ],
    ["removeLink", [1], /^removeLink: name must be a string$/],
  ];
  for (const [name, args, message] of wrong) {
    assert.throws(() => raw[name]?.(...args), { name: "TypeError", message }, `${name}(${String(args)})`);
  }
});

test("classes refuse what is not of their type", () => {
  const { read, write } = pipe();
  assert.throws(() => construct("Fd", "3"), /Fd: number must be a whole number/);
  assert.throws(() => construct("Channel", 3), /Channel: fd must be an open Fd/);
  assert.throws(() => construct("Channel", read), /Channel: onMessage must be a function/);
  assert.throws(() => construct("PidWatcher", {}), /PidWatcher: pidfd must be an open Fd/);
  assert.throws(() => (raw.Fd as () => unknown)(), TypeError);
  // A refused constructor has taken nothing.
  assert.equal(read.closed, false);
  assert.throws(
    () =>
      construct(
        "Channel",
        read,
        () => {},
        () => {},
      ),
    { code: "ENOTSOCK" },
  );
  assert.equal(read.closed, false);
  read.close();
  write.close();
  assert.throws(
    () =>
      construct(
        "Channel",
        read,
        () => {},
        () => {},
      ),
    /Channel: fd must be an open Fd/,
  );
});

test("methods refuse objects of another class", () => {
  const [one, two] = socketPair();
  const channel = construct(
    "Channel",
    one,
    () => {},
    () => {},
  );
  const fd = Object.getPrototypeOf(two) as { close: () => void; duplicate: () => void };
  for (const other of [channel, {}, Object.create(fd), null, 3]) {
    assert.throws(() => fd.duplicate.call(other), TypeError);
    assert.throws(() => raw.signalPidfd?.(other, 0), TypeError);
  }
  assert.throws(() => channel.send?.call(two, "x", []), TypeError);
  assert.throws(() => channel.send?.("x", [channel]), /send: fds must be an open Fd/);
  assert.throws(() => channel.send?.({}, []), /send: text must be a string/);
  assert.throws(() => channel.setRef?.("yes"), /setRef: ref must be a boolean/);
  channel.close?.();
  two.close();
});

test("a getter that throws is passed on", () => {
  const request = {
    get file() {
      throw new RangeError("mine");
    },
  };
  assert.throws(() => raw.spawn?.(request), { name: "RangeError", message: "mine" });
});

test("junk in every place never crashes", async () => {
  const names = Object.keys(raw).filter((name) => typeof raw[name] === "function");
  assert.ok(names.length > 15);
  for (const name of names) {
    // What these accept, they would do.
    if (["pipe", "socketPair", "links", "createCgroup", "Fd"].includes(name)) continue;
    for (const first of junk) {
      for (const second of junk) {
        try {
          const result = raw[name]?.(first, second, first);
          if (result instanceof Promise) await result.catch(() => {});
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }
    }
  }
});
