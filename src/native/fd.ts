import { constants } from "node:fs";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { type Fd, native } from "./addon.ts";
import { ReadBuffer } from "./read-buffer.ts";

export type { Fd } from "./addon.ts";

/** O_PATH of open(2), which Node does not name: a descriptor that only stands for a place in the file system. */
export const O_PATH = 0o10000000;

/** What a user without privilege may have (pipe(7), pipe-max-size). */
const largestPipe = 1 << 20;

/**
 * A pipe whose room counts for `account`, an id of our user namespace, where we may change to it: else for our user, who may have 64 MiB of
 * pipes (native/core/stream_pipe.h). Without `account` each has another.
 */
export function pipe(account?: number): { read: Fd; write: Fd } {
  const [read, write] = native((raw) => raw.pipe(account));
  return { read, write };
}

/** A connected pair of SOCK_SEQPACKET sockets. */
export function socketPair(): [Fd, Fd] {
  return native((raw) => raw.socketPair());
}

/** Connects to a listening SOCK_SEQPACKET socket, never waiting. UNAVAILABLE or NOT_FOUND when nobody listens; at most 107 bytes of path. */
export function connectSocket(path: string): Fd {
  return native((raw) => raw.connect(path));
}

/** An anonymous file with this content, sealed: whoever gets it can rely on its never changing. `name` is for /proc only. */
export function memfd(name: string, content: string | Buffer): Fd {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return native((raw) => raw.memfd(name, bytes));
}

/** open(2), always close-on-exec. `mode` is for files that O_CREAT makes. */
export function openPath(path: string, flags: number, mode?: number): Fd {
  return native((raw) => (mode === undefined ? raw.open(path, flags) : raw.open(path, flags, mode)));
}

/** A directory as a place for `/proc/self/fd/N/name` paths and for the monitor. */
export function openDirectory(path: string): Fd {
  return openPath(path, O_PATH | constants.O_DIRECTORY);
}

/** Takes over a descriptor that this process was started with. */
export function adoptFd(number: number): Fd {
  return native((raw) => new raw.Fd(number));
}

/** The read end of a pipe, or a socket, as a Node stream, which owns the descriptor from now on. */
export function readStream(fd: Fd): Socket {
  return new Socket({ fd: fd.release(), readable: true, writable: false });
}

export interface ChunkReaderOptions {
  /** The buffer for the next read, the same one again if it is free. */
  buffer: () => Buffer;
  /** So many bytes lie at the front of the buffer that was given last. False pauses the reading until `resume`. */
  onChunk: (length: number) => boolean;
}

/**
 * The read end of a pipe as a Node stream that owns the descriptor from now on and reads into memory that is its reader's: where bytes are
 * passed on by the gigabyte, taking and freeing memory for each read is most of the work. It has no `data` events; `end` and `error` as usual.
 */
export function chunkReader(fd: Fd, { buffer, onChunk }: ChunkReaderOptions): Socket {
  const onread = { buffer, callback: onChunk };
  return new Socket({ fd: fd.release(), readable: true, writable: false, onread });
}

/** A connection that is read into one buffer. */
export interface ChunkSocket {
  socket: Socket;
  /** Takes what is read, without waiting for a `data` listener; the memory is used again as soon as the listener returns and the socket is not paused. */
  onChunk(listener: (chunk: Buffer) => void): void;
}

/** Of a client's connection, at a time: it may bring more than a pipe. */
const retakenBytes = 128 * 1024;

/**
 * The same TCP connection as another stream, which is read as a chunkReader is; `socket` is destroyed. Nothing that it has read may be unheard,
 * and nothing that was written unsent. Undefined for what is no plain TCP socket, as one with TLS: that goes on as it is.
 */
export function retakeSocket(socket: Duplex): ChunkSocket | undefined {
  if (!(socket instanceof Socket) || socket instanceof TLSSocket || socket.writableLength > 0)
    return undefined;
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  const borrowed = adoptFd(fd);
  const own = borrowed.duplicate();
  borrowed.release();
  socket.destroy();
  const memory = new ReadBuffer(retakenBytes);
  let hear = (_chunk: Buffer): void => {};
  const callback = (length: number, buffer: Buffer): boolean => {
    memory.came(length);
    hear(buffer.subarray(0, length));
    return true;
  };
  const retaken = new Socket({
    fd: own.release(),
    readable: true,
    writable: true,
    allowHalfOpen: true,
    onread: { buffer: () => memory.current, callback },
  });
  return {
    socket: retaken,
    onChunk: (listener) => {
      hear = listener;
    },
  };
}

function descriptorOf(stream: Socket): number | undefined {
  const { fd } = (stream as unknown as { _handle: { fd?: number } | null })._handle ?? {};
  return fd !== undefined && fd >= 0 ? fd : undefined;
}

/** Lets the pipe of a stream made here hold as much as may be; for streams through which much flows, since a user's pipes share a budget. */
export function enlargePipe(stream: Socket): void {
  const fd = descriptorOf(stream);
  if (fd === undefined) return;
  const borrowed = adoptFd(fd);
  borrowed.setPipeSize(largestPipe);
  borrowed.release();
}

/** Where a socket reads to: memory for the next read, and what its stream hands out once so many bytes lie at the front of it. */
export interface SocketMemory {
  take(): Buffer;
  filled(buffer: Buffer, length: number): Buffer;
}

/** A connected TCP socket as a Node socket, which owns the descriptor from now on. */
export function connectedSocket(fd: Fd, memory?: SocketMemory): Socket {
  return readingTo(
    memory,
    (onread) => new Socket({ fd: fd.release(), readable: true, writable: true, ...onread }),
  );
}

/** A socket made by `make` with options that let it read to `memory`, and none of those without. */
export function readingTo(memory: SocketMemory | undefined, make: (options: object) => Socket): Socket {
  if (memory === undefined) return make({});
  const callback = (length: number, buffer: Buffer): boolean => socket.push(memory.filled(buffer, length));
  // One read at a time: a stream that holds two would join them in new memory.
  const socket = make({ onread: { buffer: () => memory.take(), callback }, readableHighWaterMark: 1 });
  return socket;
}

/** The write end of a pipe, or a socket, as a Node stream, which owns the descriptor from now on. */
export function writeStream(fd: Fd): Socket {
  return new Socket({ fd: fd.release(), readable: false, writable: true });
}

/** A TCP socket whose two directions end on their own, as a Node socket, which owns the descriptor from now on. */
export function halfOpenSocket(fd: Fd): Socket {
  return new Socket({ fd: fd.release(), readable: true, writable: true, allowHalfOpen: true });
}

/** Node's handle of a pipe or Unix socket, which takes any descriptor that poll(2) and read(2) understand. */
interface PipeHandle {
  open(fd: number): number;
}

/**
 * The master of a pseudo-terminal as a Node stream, which owns the descriptor from now on. With `reading` false nothing is ever read
 * from it. After the terminal has been hung up reading fails with EIO.
 *
 * Node has no class for this: `net.Socket` refuses terminals by their descriptor, and `tty.ReadStream` writes to a master
 * *blocking*, which would stop this process for as long as nobody reads on the other side. A pipe's handle does it right.
 */
export function terminalStream(fd: Fd, { reading = true } = {}): Socket {
  const { read, write } = pipe();
  write.close();
  const model = readStream(read) as Socket & { _handle: object };
  const Pipe = model._handle.constructor as new (type: number) => PipeHandle;
  model.destroy();
  const handle = new Pipe(0);
  const failure = handle.open(fd.number);
  if (failure !== 0) throw new Error(`cannot open a terminal's descriptor: ${failure}`);
  fd.release();
  const options: object = { handle, readable: reading, writable: true };
  return new Socket(options);
}
