/** Fuzzing of what clients send to the streaming server: whatever comes, the session goes on or is closed, and nothing else happens. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { StreamingServer } from "../../src/streaming/server.ts";
import { headerDictionary } from "../../src/streaming/spdy/dictionary.ts";
import { frameType } from "../../src/streaming/spdy/frames.ts";
import { HeaderDeflater, type Headers } from "../../src/streaming/spdy/headers.ts";
import { createHandlers } from "../runtime/streaming/handlers.ts";
import { type Answered, Conversation } from "./conversation.ts";

/** Sessions that are under way at the same time. */
const atOnce = 16;

const headerNames = fc.constantFrom("streamtype", "port", "requestid", "Upper", "", "x".repeat(70_000));
const headerValues = fc.constantFrom(
  "error",
  "stdin",
  "stdout",
  "stderr",
  "resize",
  "data",
  "80",
  "0",
  "-1",
  "",
  "y",
);
const headers: fc.Arbitrary<Headers> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom("error", "stdin", "stdout", "stderr", "resize")
      .map((type) => new Map([["streamtype", type]])),
  },
  {
    weight: 1,
    arbitrary: fc.array(fc.tuple(headerNames, headerValues), { maxLength: 4 }).map((pairs) => new Map(pairs)),
  },
);
const streamId = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(1, 3, 5, 7, 9) },
  { weight: 1, arbitrary: fc.nat(2 ** 31 - 1) },
);
const flags = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(255) });
const body = fc.uint8Array({ maxLength: 40 });

/** A frame's parts; header blocks are compressed when it is its turn, since all of a connection are one stream. */
type Frame =
  | { kind: "open"; streamId: number; flags: number; headers: Headers }
  | { kind: "data"; streamId: number; flags: number; body: Uint8Array }
  | { kind: "control"; type: number; flags: number; body: Uint8Array }
  | { kind: "bomb" };
const frame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("open" as const), streamId, flags, headers }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("data" as const), streamId, flags, body }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("control" as const), type: fc.nat(12), flags, body }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("bomb" as const) }) },
);

const bomb = deflateSync(Buffer.alloc(8 << 20), { dictionary: headerDictionary });

function control(type: number, frameFlags: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x80030000 + type);
  head.writeUInt32BE(frameFlags * 0x1000000 + content.length, 4);
  return Buffer.concat([head, content]);
}

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}

function encodeSpdy(frames: readonly Frame[]): Buffer {
  const deflater = new HeaderDeflater();
  const synStream = (id: number, frameFlags: number, block: Buffer) =>
    control(frameType.synStream, frameFlags, Buffer.concat([uint32(id, 0), Buffer.alloc(2), block]));
  return Buffer.concat(
    frames.map((one) => {
      if (one.kind === "open") return synStream(one.streamId, one.flags, deflater.deflate(one.headers));
      if (one.kind === "bomb") return synStream(1, 0, bomb);
      if (one.kind === "control") return control(one.type, one.flags, one.body);
      return Buffer.concat([uint32(one.streamId, one.flags * 0x1000000 + one.body.length), one.body]);
    }),
  );
}

const spdyPing = control(frameType.ping, 0, uint32(0x7fffffff));

interface Message {
  first: number;
  /** What the length says beside what is there. */
  lie: number;
  masked: boolean;
  body: Uint8Array;
}
const message: fc.Arbitrary<Message> = fc.record({
  first: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(0x82, 0x81, 0x02, 0x80) },
    { weight: 2, arbitrary: fc.nat(255) },
  ),
  lie: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2 ** 40) }),
  masked: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(fc.constantFrom(0, 1, 2, 3, 4, 5, 255), fc.uint8Array({ maxLength: 3 }))
      .map(([channel, rest]) => Uint8Array.of(channel, ...rest)),
  ),
});

function encodeMessage({ first, lie, masked, body: content }: Message): Buffer {
  const length = content.length + lie;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended);
  head[0] = first;
  head[1] = (masked ? 0x80 : 0) + (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  // A mask of zeros changes nothing.
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), content]);
}

const webSocketPing = encodeMessage({ first: 0x89, lie: 0, masked: true, body: Buffer.from("still there?") });

/** A byte that is changed, and places where the network cuts. */
const damage = fc.record({
  changes: fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 2 }),
  cut: fc.nat(10_000),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Buffer, { changes }: Damage): Buffer {
  const result = Buffer.from(bytes);
  for (const [at, value] of changes) if (result.length > 0) result[at % result.length] = value;
  return result;
}

export interface StreamFuzzOptions {
  seed: number;
  runs: number;
}

/** Runs `sessions` against a server, and then looks whether it still works and has let go of everything. */
async function withServer(
  { seed, runs }: StreamFuzzOptions,
  session: fc.Arbitrary<[Buffer, Damage]>,
  converse: (server: StreamingServer, bytes: Buffer, cut: number) => Promise<Answered>,
): Promise<void> {
  const handlers = createHandlers();
  const server = new StreamingServer({ handlers, limits: { message: 1 << 16, streamCreation: 500 } });
  await server.listen();
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(session, { minLength: 1, maxLength: atOnce }), async (sessions) => {
        await Promise.all(sessions.map(([bytes, harm]) => converse(server, damaged(bytes, harm), harm.cut)));
      }),
      { seed, numRuns: Math.ceil(runs / atOnce) },
    );
    for (let tries = 0; handlers.running > 0 && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(handlers.running, 0, "commands outlive their sessions");
  } finally {
    await server.close();
  }
}

const open = (server: StreamingServer, upgrade: string, kind: "cat" | "forward") => {
  const url = new URL(
    kind === "cat"
      ? server.execUrl({
          containerId: "c",
          command: ["cat"],
          tty: false,
          stdin: true,
          stdout: true,
          stderr: true,
        })
      : server.portForwardUrl({ podSandboxId: "p", ports: [80, 81] }),
  );
  return new Conversation(connect(Number(url.port), url.hostname), `${url.pathname}`, upgrade);
};

export async function fuzzSpdy(options: StreamFuzzOptions): Promise<void> {
  const session = fc.tuple(fc.array(frame, { maxLength: 12 }).map(encodeSpdy), damage);
  await withServer(options, session, async (server, bytes, cut) => {
    const kind = cut % 2 === 0 ? "cat" : "forward";
    const protocol = kind === "cat" ? "v4.channel.k8s.io" : "portforward.k8s.io";
    const conversation = open(server, `Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}`, kind);
    const answered = await conversation.say(bytes, cut, spdyPing);
    answered.expectSpdy();
    return answered;
  });
}

export async function fuzzWebSocket(options: StreamFuzzOptions): Promise<void> {
  const messages = fc.array(message, { maxLength: 12 }).map((list) => Buffer.concat(list.map(encodeMessage)));
  await withServer(options, fc.tuple(messages, damage), async (server, bytes, cut) => {
    const kind = cut % 2 === 0 ? "cat" : "forward";
    const protocol =
      kind === "cat"
        ? "v5.channel.k8s.io"
        : ["v4.channel.k8s.io", "SPDY/3.1+portforward.k8s.io"][cut % 3 === 0 ? 0 : 1];
    const upgrade = `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\nSec-WebSocket-Protocol: ${protocol}`;
    const answered = await open(server, upgrade, kind).say(bytes, cut, webSocketPing);
    answered.expectWebSocket();
    return answered;
  });
}
