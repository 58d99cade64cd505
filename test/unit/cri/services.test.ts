import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { serviceDefinition } from "../../../proto/contract.ts";
import { imageRpcs } from "../../../src/cri/image/rpcs.ts";
import { runtimeRpcs } from "../../../src/cri/runtime/rpcs.ts";
import { LichenError } from "../../../src/errors.ts";
import { context, podRecord, type Served, serve } from "./rooms.ts";

describe("CRI over a Unix socket", () => {
  let served: Served;
  let pulling: AbortSignal | undefined;
  const pullBegan = new EventTarget();

  before(async () => {
    served = await serve(
      context({
        pods: {
          listPodSandbox: (filter) => (filter?.id === "none" ? [] : [podRecord()]),
          podSandbox: (id) => {
            throw new LichenError({
              code: "NOT_FOUND",
              operation: "pod sandbox status",
              object: id,
              reason: "no such pod",
              hint: "crictl pods",
            });
          },
          startContainer: async () => {
            throw new TypeError("a fault of ours");
          },
        },
        images: {
          pull: (_reference, options) =>
            new Promise((_resolve, reject) => {
              pulling = options?.signal;
              pulling?.addEventListener("abort", () => reject(new Error("gone")));
              pullBegan.dispatchEvent(new Event("began"));
            }),
        },
      }),
    );
  });
  after(() => served.close());

  it("answers a call", async () => {
    assert.equal((await served.client.version()).runtimeName, "lichen");
    assert.equal((await served.client.version()).runtimeVersion, "1.2.3");
  });

  it("carries requests and answers whole", async () => {
    const { items } = await served.client.listPodSandbox();
    assert.equal(items[0]?.metadata?.name, "web");
    assert.deepEqual((await served.client.listPodSandbox({ filter: { id: "none" } })).items, []);
  });

  it("tells a failure with status, reason and hint, and logs it", async () => {
    await assert.rejects(served.client.podSandboxStatus({ podSandboxId: "x" }), {
      code: status.NOT_FOUND,
      details: "pod sandbox status x: no such pod (crictl pods)",
    });
    const line = served.lines.find((entry) => entry.fields.rpc === "PodSandboxStatus");
    assert.equal(line?.level, "info");
    assert.equal(line?.fields.code, "NOT_FOUND");
  });

  it("logs a fault of ours with its stack", async () => {
    await assert.rejects(served.client.startContainer({ containerId: "x" }), { code: status.INTERNAL });
    const line = served.lines.find((entry) => entry.level === "error");
    assert.match(String((line?.fields.err as Error | undefined)?.stack), /TypeError: a fault of ours\n +at /);
  });

  it("tells a pull when its client goes away", async () => {
    const client = new AbortController();
    const began = once(pullBegan, "began");
    const call = served.client.pullImage({ image: { image: "app" } }, { signal: client.signal });
    await began;
    const noticed = once(pulling as AbortSignal, "abort");
    client.abort();
    await assert.rejects(call, { code: status.CANCELLED });
    await noticed;
  });

  it("gives up a call whose deadline passes", async () => {
    await assert.rejects(served.client.pullImage({ image: { image: "app" } }, { timeoutMs: 50 }), {
      code: status.DEADLINE_EXCEEDED,
    });
  });

  it("refuses messages of more than 16 MiB", async () => {
    const image = "x".repeat(17 * 1024 * 1024);
    await assert.rejects(served.client.imageStatus({ image: { image } }), {
      code: status.RESOURCE_EXHAUSTED,
    });
  });

  const built: object = { ...runtimeRpcs, ...imageRpcs };
  const methods = Object.entries({
    ...serviceDefinition("RuntimeService"),
    ...serviceDefinition("ImageService"),
  });
  for (const [name, method] of methods.filter(([rpc]) => !(rpc in built))) {
    it(`answers UNIMPLEMENTED for ${name}`, async () => {
      const call = served.client[(name.charAt(0).toLowerCase() + name.slice(1)) as "attach"]();
      const expected = { code: status.UNIMPLEMENTED, details: `${name}: lichen does not implement it` };
      await assert.rejects(async () => {
        if (method.responseStream) for await (const _ of call as unknown as AsyncIterable<object>);
        else await call;
      }, expected);
    });
  }
});
