import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Server, status } from "@grpc/grpc-js";
import { type CriClient, connectCri } from "../../../proto/client.ts";
import { serviceDefinition } from "../../../proto/contract.ts";
import { reportTo } from "../../../src/cri/report.ts";
import { serverStream } from "../../../src/cri/server-stream.ts";
import { listen } from "../../../src/daemon/socket.ts";
import { LichenError } from "../../../src/errors.ts";
import { context, imageRecord, recordingLog, serve } from "./rooms.ts";

type Answer = Parameters<typeof serverStream>[1];

/** Serves one answer as StreamImages. */
class Streaming {
  readonly #directory = mkdtempSync(join(tmpdir(), "lichen-stream-"));
  readonly #server = new Server();
  readonly #stopping = new AbortController();
  readonly log = recordingLog();
  readonly client: CriClient = connectCri(join(this.#directory, "s"));

  async answer(answer: Answer): Promise<void> {
    const report = reportTo(this.log.log);
    const handler = serverStream("StreamImages", answer, context({}), report, this.#stopping.signal);
    const definition = serviceDefinition("ImageService");
    const others = Object.fromEntries(Object.keys(definition).map((name) => [name, () => {}]));
    this.#server.addService(definition, { ...others, StreamImages: handler });
    await listen(this.#server, join(this.#directory, "s"));
  }

  stop(): void {
    this.#stopping.abort();
  }

  close(): void {
    this.client.close();
    this.#server.forceShutdown();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const message = (id: string) => ({ images: [{ id }] });

describe("a server-streaming RPC", () => {
  let streaming: Streaming;
  beforeEach(() => {
    streaming = new Streaming();
  });
  afterEach(() => streaming.close());

  async function received(): Promise<string[]> {
    const ids: string[] = [];
    for await (const { images } of streaming.client.streamImages()) ids.push(images[0]?.id ?? "");
    return ids;
  }

  it("sends what is yielded, in order, and ends", async () => {
    await streaming.answer(async function* () {
      for (let at = 0; at < 100; at++) yield message(String(at));
    });
    assert.deepEqual(
      await received(),
      Array.from({ length: 100 }, (_, at) => String(at)),
    );
    assert.deepEqual(
      streaming.log.lines.map(({ level, message }) => [level, message]),
      [["debug", "answered"]],
    );
  });

  it("tells a failure after what was sent before it", async () => {
    await streaming.answer(async function* () {
      yield message("1");
      yield message("2");
      throw new LichenError({ code: "NOT_FOUND", operation: "stream", object: "x", reason: "gone" });
    });
    const ids: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { images } of streaming.client.streamImages()) ids.push(images[0]?.id ?? "");
      },
      { code: status.NOT_FOUND, details: "stream x: gone" },
    );
    assert.deepEqual(ids, ["1", "2"]);
    assert.equal(streaming.log.lines[0]?.fields.code, "NOT_FOUND");
  });

  it("asks for no more than a client that does not read has room for", async () => {
    let asked = 0;
    const large = "x".repeat(1024 * 1024);
    await streaming.answer(async function* () {
      for (; asked < 400; asked++) yield message(large);
    });
    const call = streaming.client.streamImages() as AsyncIterable<unknown> & { pause(): void };
    const iterator = call[Symbol.asyncIterator]();
    await iterator.next();
    let before = -1;
    while (before < asked) {
      before = asked;
      await sleep(300);
    }
    assert.ok(asked < 200, `${asked} MiB were made for a client that took one`);
    while (!(await iterator.next()).done);
    assert.equal(asked, 400);
  });

  it("ends the work, even one that waits for ever, when the client goes away", async () => {
    const events = new EventTarget();
    await streaming.answer(async function* (_request, _context, { signal }) {
      try {
        yield message("1");
        await once(signal, "abort");
        yield message("never sent");
      } finally {
        events.dispatchEvent(new Event("ended"));
      }
    });
    const ended = once(events, "ended");
    for await (const _ of streaming.client.streamImages()) break;
    await ended;
  });

  it("does not wait for a step that ignores the signal", async () => {
    await streaming.answer(async function* () {
      yield message("1");
      await new Promise(() => {});
    });
    for await (const _ of streaming.client.streamImages()) break;
    while (streaming.log.lines.length === 0) await sleep(10);
  });

  it("ends with UNAVAILABLE when the daemon stops", async () => {
    await streaming.answer(async function* (_request, _context, { signal }) {
      yield message("1");
      await once(signal, "abort");
    });
    const call = streaming.client.streamImages()[Symbol.asyncIterator]();
    assert.equal((await call.next()).value.images[0].id, "1");
    streaming.stop();
    await assert.rejects(call.next(), {
      code: status.UNAVAILABLE,
      details: /the daemon is stopping/,
    });
  });
});

describe("StreamImages", () => {
  const stored = Array.from({ length: 150 }, (_, at) => imageRecord({ id: `sha256:${at}` }));
  let served: Awaited<ReturnType<typeof serve>> | undefined;
  after(() => served?.close());

  it("streams in parts what ListImages lists, with its filter", async () => {
    served = await serve(
      context({ images: { list: (filter) => stored.filter(({ id }) => filter === "" || id === filter) } }),
    );
    const parts: string[][] = [];
    for await (const { images } of served.client.streamImages()) parts.push(images.map(({ id }) => id));
    assert.deepEqual(
      parts.flat(),
      stored.map(({ id }) => id),
    );
    assert.ok(parts.length > 1);
    const filter = { image: { image: "sha256:7" } };
    for await (const { images } of served.client.streamImages({ filter }))
      assert.deepEqual(
        images.map(({ id }) => id),
        ["sha256:7"],
      );
  });
});
