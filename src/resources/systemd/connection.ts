import { createConnection, type Socket } from "node:net";
import { LichenError } from "../../errors.ts";
import { decodeMessage, encodeMessage, kinds, type Message } from "./message.ts";
import type { Value } from "./values.ts";

export interface Call {
  path: string;
  interface: string;
  member: string;
  signature: string;
  body: readonly Value[];
}

interface Waiting {
  resolve(body: readonly Value[]): void;
  reject(error: LichenError): void;
  member: string;
}

/**
 * D-Bus with one peer, without a bus between (as systemd's private socket has it). The peer knows who we are by the kernel; `uid` only has to be
 * the same. Keeps the process alive while it is open.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onSignal: (signal: Message) => void;
  readonly #end = Promise.withResolvers<never>();
  #received: Buffer = Buffer.alloc(0);
  #serial = 0;
  #failure: LichenError | undefined;

  /** Rejects when the connection is at its end, whoever wished for that. */
  readonly failed: Promise<never> = this.#end.promise;

  /** Connects and authenticates. UNAVAILABLE when nobody listens, or the peer refuses. */
  static async open(path: string, uid: number, onSignal: (signal: Message) => void): Promise<Connection> {
    const connection = new Connection(createConnection(path), onSignal);
    // EXTERNAL: the user's number, as hexadecimal digits of its decimal ones. The zero byte carries credentials where a kernel needs one.
    const identity = Buffer.from(String(uid)).toString("hex");
    const line = await connection.#ask(`\0AUTH EXTERNAL ${identity}\r\n`);
    if (!line.startsWith("OK ")) {
      connection.close();
      throw unavailable("authenticate", `it answered ${JSON.stringify(line)}`);
    }
    connection.#socket.write("BEGIN\r\n");
    connection.#socket.on("data", (bytes: Buffer) => connection.#receive(bytes));
    connection.#receive(connection.#received.subarray(0, 0));
    return connection;
  }

  private constructor(socket: Socket, onSignal: (signal: Message) => void) {
    this.#socket = socket;
    this.#onSignal = onSignal;
    this.failed.catch(() => {});
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("close", () => this.#fail("it has closed the connection"));
  }

  /** Calls a method and gives the answer's body. An error that the peer answers is FAILED_PRECONDITION with `dbusName` in its cause. */
  call({ path, interface: name, member, signature, body }: Call): Promise<readonly Value[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const serial = ++this.#serial;
      const destination = "org.freedesktop.systemd1";
      const message = { kind: kinds.call, serial, path, interface: name, member, destination };
      this.#waiting.set(serial, { resolve, reject, member });
      this.#socket.write(encodeMessage({ ...message, signature, body }));
    });
  }

  /** Ends it; calls without an answer fail. */
  close(): void {
    this.#fail("the connection was closed");
    this.#socket.destroy();
  }

  /** Sends a line of the handshake and gives the one that answers it, without its end. */
  #ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(this.#failure ?? unavailable("reach", "it has closed the connection"));
      const receive = (bytes: Buffer) => {
        this.#received = Buffer.concat([this.#received, bytes]);
        const end = this.#received.indexOf("\r\n");
        if (end < 0) return;
        this.#socket.off("data", receive).off("close", ended);
        const answer = this.#received.toString("latin1", 0, end);
        this.#received = this.#received.subarray(end + 2);
        resolve(answer);
      };
      this.#socket.on("data", receive).on("close", ended);
      this.#socket.write(line);
    });
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    try {
      for (;;) {
        const next = decodeMessage(this.#received);
        if (next === undefined) return;
        this.#received = this.#received.subarray(next.length);
        this.#take(next.message);
      }
    } catch (error) {
      this.#fail(`it sent what is no D-Bus message: ${(error as Error).message}`);
      this.#socket.destroy();
    }
  }

  #take(message: Message): void {
    if (message.kind === kinds.signal) this.#onSignal(message);
    const waiting = this.#waiting.get(message.replySerial ?? 0);
    if (waiting === undefined || (message.kind !== kinds.answer && message.kind !== kinds.error)) return;
    this.#waiting.delete(message.replySerial ?? 0);
    if (message.kind === kinds.answer) waiting.resolve(message.body);
    else waiting.reject(refusal(waiting.member, message));
  }

  #fail(reason: string): void {
    this.#failure ??= unavailable("reach", reason);
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
    this.#end.reject(this.#failure);
  }
}

/** What a peer answered instead of a result: its name is what programs tell errors apart by. */
export class DbusError extends Error {
  readonly dbusName: string;

  constructor(dbusName: string) {
    super(dbusName);
    this.dbusName = dbusName;
  }
}

function refusal(member: string, { errorName = "", body }: Message): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: member,
    object: "of the user's systemd",
    reason: `${String(body[0] ?? "no message")} (${errorName})`,
    cause: new DbusError(errorName),
  });
}

function unavailable(operation: string, reason: string): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation,
    object: "the user's systemd",
    reason,
    hint: "systemctl --user status",
  });
}
