// Stands in for the private socket of a user's systemd where there is none: speaks D-Bus, runs no unit.
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { decodeMessage, encodeMessage, kinds, type Message } from "../../src/resources/systemd/message.ts";

/** What it does with a call; messages that are not calls' answers are signals. */
export type Behaviour = (call: Message, send: (message: Omit<Message, "serial">) => void) => void;

export class FakeSystemd {
  readonly calls: Message[] = [];
  readonly handshakes: string[] = [];
  /** The handshake's answer. */
  welcome = "OK 0123456789abcdef0123456789abcdef\r\n";
  /** So many bytes go out at once; undefined: all. */
  pieces: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #serial = 0;

  static async listen(path: string, behaviour: Behaviour): Promise<FakeSystemd> {
    rmSync(path, { force: true });
    const fake = new FakeSystemd(behaviour);
    await new Promise<void>((resolve) => fake.#server.listen(path, resolve));
    return fake;
  }

  private constructor(behaviour: Behaviour) {
    this.#server = createServer((socket) => this.#serve(socket, behaviour));
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket, behaviour: Behaviour): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
    let received: Buffer = Buffer.alloc(0);
    let authenticated = false;
    const send = (message: Omit<Message, "serial">) =>
      this.#write(socket, encodeMessage({ ...message, serial: ++this.#serial }));
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      while (!authenticated) {
        const end = received.indexOf("\r\n");
        if (end < 0) return;
        const line = received.toString("latin1", 0, end);
        received = received.subarray(end + 2);
        this.handshakes.push(line);
        if (line === "BEGIN") authenticated = true;
        else socket.write(this.welcome);
      }
      for (let next = decodeMessage(received); next; next = decodeMessage(received)) {
        received = received.subarray(next.length);
        this.calls.push(next.message);
        behaviour(next.message, send);
      }
    });
  }

  #write(socket: Socket, bytes: Buffer): void {
    const size = this.pieces ?? bytes.length;
    for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size));
  }
}

/** An answer to a call, with these values. */
export function answer(call: Message, signature: string, body: Message["body"]): Omit<Message, "serial"> {
  return { kind: kinds.answer, replySerial: call.serial, signature, body };
}

/** The news that a job has ended. */
export function jobRemoved(job: string, unit: string, result: string): Omit<Message, "serial"> {
  return {
    kind: kinds.signal,
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    member: "JobRemoved",
    signature: "uoss",
    body: [7, job, unit, result],
  };
}
