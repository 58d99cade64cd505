// SPDY/3.1 frames as github.com/moby/spdystream speaks them (www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1). Every frame has
// eight bytes of head: a control bit, then version and type or a stream's id, eight flags, and a length of 24 bits.

export const frameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Why a stream is reset. */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
} as const;

export type ResetStatus = (typeof resetStatus)[keyof typeof resetStatus];

/** Why a connection ends. */
export const goAwayStatus = { ok: 0, protocolError: 1, internalError: 2 } as const;

/** In SYN_STREAM, SYN_REPLY, HEADERS and DATA: the sender's half of the stream ends here. */
export const flagFin = 0x01;
/** In SYN_STREAM: the receiver's half of the stream is closed from the start. */
export const flagUnidirectional = 0x02;

export const headLength = 8;
/** What 24 bits can say. */
export const maximumFrameLength = (1 << 24) - 1;

/** What the peer must not do; the connection ends with GOAWAY, PROTOCOL_ERROR. */
export class SpdyProtocolError extends Error {
  override readonly name = "SpdyProtocolError";
}

export function dataHead(streamId: number, length: number, flags: number): Buffer {
  const head = Buffer.allocUnsafe(headLength);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt32BE(flags * 0x1000000 + length, 4);
  return head;
}

function control(type: number, flags: number, bodyLength: number): Buffer {
  const frame = Buffer.alloc(headLength + bodyLength);
  frame.writeUInt16BE(0x8003, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUInt32BE(flags * 0x1000000 + bodyLength, 4);
  return frame;
}

/** SYN_REPLY with a header block that is already compressed. */
export function synReply(streamId: number, block: Buffer): Buffer {
  const frame = control(frameType.synReply, 0, 4 + block.length);
  frame.writeUInt32BE(streamId, headLength);
  block.copy(frame, headLength + 4);
  return frame;
}

export function rstStream(streamId: number, status: ResetStatus): Buffer {
  const frame = control(frameType.rstStream, 0, 8);
  frame.writeUInt32BE(streamId, headLength);
  frame.writeUInt32BE(status, headLength + 4);
  return frame;
}

export function ping(id: number): Buffer {
  const frame = control(frameType.ping, 0, 4);
  frame.writeUInt32BE(id, headLength);
  return frame;
}

/** `lastStreamId`: the newest stream that was accepted. */
export function goAway(lastStreamId: number, status: number): Buffer {
  const frame = control(frameType.goAway, 0, 8);
  frame.writeUInt32BE(lastStreamId, headLength);
  frame.writeUInt32BE(status, headLength + 4);
  return frame;
}
