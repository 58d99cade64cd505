/** A worker thread of the pool (worker-pool.ts): unpacks layers and does other blocking work on files. */
import { createReadStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import { adoptFd, type Fd } from "../native/fd.ts";
import { removeTree, settleLayer, syncFilesystem } from "../native/layer.ts";
import { shiftTree } from "../native/shift.ts";
import { packLayer } from "./archive/pack-layer.ts";
import { unpackLayer } from "./layer/unpack.ts";
import { RegistryClient } from "./registry/client.ts";
import { readMemory } from "./registry/read-memory.ts";
import {
  type Arrived,
  type Dialled,
  type DialRequest,
  fromFields,
  type Reply,
  type Request,
  type Task,
  toFields,
} from "./worker-protocol.ts";

let current: AbortController | undefined;
const dials = new Map<number, { resolve: (fd: Fd) => void; reject: (error: Error) => void }>();
let lastDial = 0;

parentPort?.on("message", async (request: Request) => {
  if (request === "abort") {
    current?.abort();
    return;
  }
  if ("dialled" in request) {
    finishDial(request);
    return;
  }
  current = new AbortController();
  const reply = await answer(request.task, current.signal);
  current = undefined;
  parentPort?.postMessage(reply);
});

function dial(host: string, port: number): Promise<Fd> {
  const id = ++lastDial;
  const request: DialRequest = { dial: { id, host, port } };
  parentPort?.postMessage(request);
  return new Promise((resolve, reject) => dials.set(id, { resolve, reject }));
}

function finishDial(answer: Dialled): void {
  const waiting = dials.get(answer.dialled);
  dials.delete(answer.dialled);
  if ("error" in answer) waiting?.reject(fromFields(answer.error));
  else waiting?.resolve(adoptFd(answer.fd));
}

async function answer(task: Task, signal: AbortSignal): Promise<Reply> {
  try {
    return { value: await perform(task, signal) };
  } catch (error) {
    return { error: toFields(error) };
  }
}

async function perform(task: Task, signal: AbortSignal): Promise<unknown> {
  switch (task.kind) {
    case "unpack":
      return unpack(task, signal);
    case "settle":
      return settleLayer(task.settlement);
    case "shift":
      return shiftTree(task.source, task.destination, task.map);
    case "sync":
      return syncFilesystem(task.path);
    case "pack":
      return packLayer(task.path, task.file);
    case "remove":
      return removeTree(task.path);
  }
}

/** Fetches and unpacks; each attempt begins with an empty directory. What a failure leaves the caller removes. */
async function unpack(task: Task & { kind: "unpack" }, signal: AbortSignal): Promise<unknown> {
  const { source, content } = task;
  const read = async (body: AsyncIterable<Uint8Array>) => {
    removeTree(task.directory);
    await mkdir(task.directory, { mode: 0o700 });
    return unpackLayer(counted(body), content, task);
  };
  if ("file" in source) return read(createReadStream(source.file, { highWaterMark: fileChunkBytes, signal }));
  const client = new RegistryClient(source.registry, source.dial ? dial : undefined);
  try {
    return await client.stream(content, read, signal);
  } finally {
    await client.close();
  }
}

const fileChunkBytes = 1024 * 1024;
const betweenReportsMs = 100;

/** What passes is counted, and the main thread told now and then. Whoever asks for the next chunk is done with the last one. */
async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let reported = 0;
  const arrived: Arrived = { received: 0 };
  for await (const chunk of body) {
    arrived.received += chunk.length;
    const now = performance.now();
    if (now - reported > betweenReportsMs) {
      reported = now;
      parentPort?.postMessage(arrived);
    }
    yield chunk;
    readMemory.giveBack(chunk);
  }
}
