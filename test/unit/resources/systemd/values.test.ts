import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeMessage, encodeMessage, kinds } from "../../../../src/resources/systemd/message.ts";
import { completeTypes, Reader, type Value, Writer } from "../../../../src/resources/systemd/values.ts";

function written(signature: string, ...values: Value[]): string {
  const writer = new Writer();
  writer.write(signature, values);
  return writer.bytes.toString("hex");
}

test("a signature falls into whole types", () => {
  assert.deepEqual(completeTypes("ssa(sv)a(sa(sv))u"), ["s", "s", "a(sv)", "a(sa(sv))", "u"]);
  assert.deepEqual(completeTypes(""), []);
  for (const wrong of ["a", "(s", "z", "s)", "aa"])
    assert.throws(() => completeTypes(wrong), /signature/, wrong);
});

test("values are aligned and ended as the specification has it", () => {
  assert.equal(written("yu", 1, 2), "01000000" + "02000000");
  assert.equal(written("s", "foo"), "03000000" + "666f6f00");
  assert.equal(written("g", "as"), "02" + "617300");
  assert.equal(written("b", true), "01000000");
  assert.equal(written("t", 2n ** 64n - 1n), "ffffffffffffffff");
  // The specification's own example: an array of one 64-bit number has padding that its length does not count.
  assert.equal(written("at", [5n]), "08000000" + "00000000" + "0500000000000000");
  assert.equal(written("at", []), "00000000" + "00000000");
  assert.equal(written("v", { type: "u", value: 258 }), "01" + "7500" + "00" + "02010000");
  assert.equal(written("a(sv)", [["a", { type: "b", value: false }]]).slice(0, 16), "1000000000000000");
});

test("values of the wrong number are a mistake of the caller", () => {
  assert.throws(() => written("ss", "one"), /1 values are not of the types ss/);
});

const text = fc.string({ unit: "binary-ascii", maxLength: 40 }).map((one) => one.replaceAll("\0", ""));
const samples: fc.Arbitrary<[string, Value]> = fc.oneof(
  text.map((one): [string, Value] => ["s", one]),
  fc.nat(2 ** 31).map((one): [string, Value] => ["u", one]),
  fc.boolean().map((one): [string, Value] => ["b", one]),
  fc.bigInt(0n, 2n ** 64n - 1n).map((one): [string, Value] => ["t", one]),
  fc.array(text).map((one): [string, Value] => ["as", one]),
  fc
    .array(fc.tuple(text, fc.nat(9)))
    .map((all): [string, Value] => [
      "a(sv)",
      all.map(([name, number]) => [name, { type: "u", value: number }]),
    ]),
);

test("what is written is read again, whatever it is", () => {
  fc.assert(
    fc.property(fc.array(samples, { maxLength: 8 }), (values) => {
      const signature = values.map(([type]) => type).join("");
      const body = values.map(([, value]) => value);
      const message = { kind: kinds.call, serial: 9, path: "/a", member: "M", signature, body };
      const bytes = encodeMessage(message);
      const decoded = decodeMessage(Buffer.concat([bytes, Buffer.from("more")]));
      assert.deepEqual(decoded, { message, length: bytes.length });
      for (const short of [0, 10, bytes.length - 1])
        assert.equal(decodeMessage(bytes.subarray(0, short)), undefined);
    }),
  );
});

test("rubbish is an error or not yet a message, never a crash or a wrong read", () => {
  const message = encodeMessage({
    kind: kinds.signal,
    serial: 1,
    path: "/org/freedesktop/systemd1",
    member: "JobRemoved",
    signature: "uoss",
    body: [1, "/job/1", "a.scope", "done"],
  });
  fc.assert(
    fc.property(fc.nat(message.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(message);
      damaged[at] = byte;
      try {
        decodeMessage(damaged);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
  assert.throws(() => decodeMessage(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")), /little-endian/);
  assert.throws(() => new Reader(Buffer.from("ffffffff", "hex")).read("s"), RangeError);
});
