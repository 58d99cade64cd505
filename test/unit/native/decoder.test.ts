import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, deflateSync } from "node:zlib";
import { Decoder } from "../../../src/native/decoder.ts";

const dictionary = Buffer.from("a dictionary of words that come again and again");
/** What a sender with this dictionary makes of `text` and leaves open for more. */
const packed = (text: string, words: Buffer = dictionary) =>
  deflateSync(text, { dictionary: words, finishFlush: constants.Z_SYNC_FLUSH });

function inflated(decoder: Decoder, input: Uint8Array, room = 1000): string {
  const output = Buffer.alloc(room);
  const [consumed, produced] = decoder.decode(input, output);
  assert.equal(consumed, input.length);
  return output.toString("latin1", 0, produced);
}

test("zlib: all that the input says comes at once, however it is cut", () => {
  const text = "words again, and words that come again";
  const input = packed(text);
  assert.ok(input.length < text.length);
  using whole = new Decoder("zlib", dictionary);
  assert.equal(inflated(whole, input), text);
  using cut = new Decoder("zlib", dictionary);
  assert.equal([...input].map((byte) => inflated(cut, Buffer.of(byte))).join(""), text);
});

test("zlib: a sender without a dictionary is understood, one with another is not", () => {
  using plain = new Decoder("zlib", dictionary);
  assert.equal(inflated(plain, deflateSync("plain")), "plain");
  plain.end();
  using other = new Decoder("zlib", dictionary);
  assert.throws(() => inflated(other, packed("text", Buffer.from("other words"))), {
    code: "DATA_LOSS",
    reason: /another dictionary/,
  });
});

test("zlib: what has no room waits, rubbish is told, and an end that did not come", () => {
  using decoder = new Decoder("zlib", dictionary);
  const input = packed("x".repeat(5000));
  const output = Buffer.alloc(3000);
  const [consumed, produced] = decoder.decode(input, output);
  assert.equal(produced, 3000);
  assert.deepEqual(decoder.decode(input.subarray(consumed), output), [input.length - consumed, 2000]);
  assert.throws(() => decoder.end(), /unexpected end/);
  for (const rubbish of ["not zlib at all", "\x78\x01\x07\xff\xff"]) {
    using failing = new Decoder("zlib", dictionary);
    assert.throws(() => inflated(failing, Buffer.from(rubbish, "latin1")), {
      code: "DATA_LOSS",
    });
  }
});

test("a decoder of no kind, and zlib without a dictionary, are our own mistake", () => {
  const make = Decoder as unknown as new (kind: string, dictionary?: unknown) => Decoder;
  assert.throws(() => new make("rar"), TypeError);
  assert.throws(() => new make("zlib"), TypeError);
  assert.throws(() => new make("zlib", "text"), TypeError);
});
