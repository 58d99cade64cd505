import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  dataHead,
  flagFin,
  frameType,
  goAway,
  ping,
  rstStream,
  SpdyProtocolError,
} from "../../../src/streaming/spdy/frames.ts";
import { FrameReader, type FrameReceiver } from "../../../src/streaming/spdy/reader.ts";

type Seen = { control: number; body: string } | { data: number; bytes: string; fin: boolean };

/** Reads the chunks and gives the frames; the parts of a DATA frame are put together again. */
function readAll(chunks: readonly Buffer[], limit = 1024): Seen[] {
  const seen: Seen[] = [];
  let open: { data: number; bytes: string; fin: boolean } | undefined;
  const receiver: FrameReceiver = {
    control: ({ type, body }) => {
      open = undefined;
      seen.push({ control: type, body: body.toString("hex") });
    },
    data: (data, part, fin) => {
      if (open?.data !== data) {
        open = { data, bytes: "", fin: false };
        seen.push(open);
      }
      open.bytes += part.toString("hex");
      open.fin ||= fin;
    },
  };
  const reader = new FrameReader(receiver, limit);
  for (const chunk of chunks) reader.read(chunk);
  return seen;
}

const stream = Buffer.concat([
  ping(7),
  dataHead(1, 5, 0),
  Buffer.from("hello"),
  rstStream(3, 1),
  dataHead(5, 3, flagFin),
  Buffer.from("end"),
  goAway(5, 0),
]);
const hex = (text: string) => Buffer.from(text).toString("hex");
const frames: Seen[] = [
  { control: frameType.ping, body: "00000007" },
  { data: 1, bytes: hex("hello"), fin: false },
  { control: frameType.rstStream, body: "0000000300000001" },
  { data: 5, bytes: hex("end"), fin: true },
  { control: frameType.goAway, body: "0000000500000000" },
];

test("frames are the same however the network cuts them", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length })), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const chunks = places.slice(1).map((end, i) => stream.subarray(places[i], end));
      assert.deepEqual(readAll(chunks), frames);
    }),
  );
});

test("a control frame above the limit is refused by its head, before its body is collected", () => {
  const head = Buffer.from(ping(1).subarray(0, 8));
  head.writeUInt32BE(2000, 4);
  assert.throws(() => readAll([head]), SpdyProtocolError);
});

test("rubbish is refused or read, and nothing else happens", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
      try {
        readAll(chunks.map((chunk) => Buffer.from(chunk)));
      } catch (error) {
        assert.ok(error instanceof SpdyProtocolError, String(error));
      }
    }),
  );
});
