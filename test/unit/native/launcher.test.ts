import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, connect as netConnect } from "node:net";
import { test } from "node:test";
import { Channel } from "../../../src/native/channel.ts";
import { adoptFd, type Fd, memfd, socketPair } from "../../../src/native/fd.ts";
import { Launcher } from "../../../src/native/launcher.ts";

const openFds = () => readdirSync("/proc/self/fd").length;

/** A Launcher whose other side is `answer`. */
function withPeer(answer: (asked: Record<string, unknown>) => [reply: object, fds: Fd[]]) {
  const [ours, theirs] = socketPair();
  const gone = Promise.withResolvers<void>();
  const launcher = new Launcher(ours, gone.resolve);
  const peer = Channel.from(theirs, {
    message(value) {
      const asked = value as Record<string, unknown>;
      const [reply, fds] = answer(asked);
      peer.send({ id: asked.id, ...reply }, fds);
      for (const fd of fds) fd.close();
    },
    close() {},
  });
  return { launcher, peer, gone: gone.promise };
}

test("a host-side listening socket arrives and can be served from", async () => {
  const before = openFds();
  const listening = createServer().listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as { port: number };
  let asked: unknown;
  const { launcher, peer, gone } = withPeer((request) => {
    asked = request;
    // What a launcher would have opened.
    const { fd } = (listening as unknown as { _handle: { fd: number } })._handle;
    return [{ ok: { port } }, [duplicateOf(fd)]];
  });
  const { socket, port: answered } = await launcher.listen("127.0.0.1", 0);
  assert.deepEqual(asked, { id: 1, op: "listen", address: "127.0.0.1", port: 0, protocol: "tcp" });
  assert.equal(answered, port);
  const served = createServer((client) => client.end("hello")).listen({ fd: socket.release() });
  listening.close();
  const client = netConnect(port, "127.0.0.1");
  assert.equal(String((await once(client, "data"))[0]), "hello");
  served.close();
  await once(served, "close");
  peer.close();
  await gone;
  assert.ok(openFds() <= before + 1);
});

/** Another descriptor of a socket that Node owns. */
function duplicateOf(number: number): Fd {
  const borrowed = adoptFd(number);
  const copy = borrowed.duplicate();
  borrowed.release();
  return copy;
}

test("refusals, and answers without a socket, are errors", async () => {
  const refusing = withPeer(() => [
    {
      error: {
        operation: "bind",
        object: "127.0.0.1 port 80",
        cause: "Permission denied",
        code: "EACCES",
        errno: 13,
      },
    },
    [],
  ]);
  await assert.rejects(refusing.launcher.listen("127.0.0.1", 80), {
    code: "PERMISSION_DENIED",
    message: "bind 127.0.0.1 port 80: Permission denied (EACCES)",
  });
  const empty = withPeer(() => [{ ok: { port: 1 } }, []]);
  await assert.rejects(empty.launcher.listen("127.0.0.1", 0), /without a socket/);
  const generous = withPeer(() => [{ ok: { port: 1 } }, [memfd("a", ""), memfd("b", "")]]);
  const before = openFds();
  const { socket } = await generous.launcher.listen("127.0.0.1", 0);
  assert.equal(openFds(), before + 1);
  socket.close();
  for (const { launcher } of [refusing, empty, generous]) launcher.close();
});

test("dial asks for host and port, and gives a connected socket", async () => {
  const { launcher } = withPeer((request) => {
    assert.deepEqual(request, { id: 1, op: "dial", host: "registry.test", port: 443, timeoutMs: 1000 });
    return [{ ok: { address: "192.0.2.1" } }, [memfd("socket", "")]];
  });
  const { socket, address } = await launcher.dial("registry.test", 443, 1000);
  assert.equal(address, "192.0.2.1");
  socket.close();
  launcher.close();
});

test("a launcher that dies fails what was asked and is told once", async () => {
  const [ours, theirs] = socketPair();
  let told = 0;
  const launcher = new Launcher(ours, () => told++);
  const pending = launcher.listen("127.0.0.1", 0);
  theirs.close();
  await assert.rejects(pending, {
    code: "UNAVAILABLE",
    message: "launcher listen: the connection has ended",
  });
  assert.equal(told, 1);
  launcher.close();
});
