import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodSandbox } from "#cri";
import { contractJson, encoded, serviceDefinition } from "../../../proto/contract.ts";

function method(name: string) {
  const found = { ...serviceDefinition("RuntimeService"), ...serviceDefinition("ImageService") }[name];
  assert.ok(found);
  return found;
}

describe("the codec", () => {
  it("gives every field of a decoded message, absent messages as null", () => {
    const { requestDeserialize } = method("RunPodSandbox");
    assert.deepEqual(requestDeserialize(Buffer.alloc(0)), { config: null, runtimeHandler: "" });
    const list = method("ExecSync").requestDeserialize(Buffer.alloc(0));
    assert.deepEqual(list, { containerId: "", cmd: [], timeout: 0 });
  });

  it("writes what protobuf's own encoding rules say", () => {
    // Field 1, length-delimited: 0x0a; field 3, varint: 0x18. https://protobuf.dev/programming-guides/encoding/
    const { requestSerialize } = method("ExecSync");
    assert.deepEqual(
      [...requestSerialize({ containerId: "ab", cmd: ["c"], timeout: 300 })],
      [0x0a, 2, 0x61, 0x62, 0x12, 1, 0x63, 0x18, 0xac, 0x02],
    );
  });

  it("gives a large answer that is right when it is given, and small ones that stay right", () => {
    const { responseSerialize, responseDeserialize } = method("ExecSync");
    const small = responseSerialize({ stdout: Buffer.from("small"), exitCode: 1 });
    const large = Buffer.alloc(300_000, "large");
    for (const size of [300_000, 20_000, 299_999]) {
      const answer = responseSerialize({ stdout: large.subarray(0, size) });
      assert.equal(answer.length, size + 4, "a tag and three bytes of length");
      const { stdout } = responseDeserialize(Buffer.from(answer)) as { stdout: Buffer };
      assert.ok(Buffer.from(stdout).equals(large.subarray(0, size)));
    }
    const { stdout, exitCode } = responseDeserialize(small) as { stdout: Buffer; exitCode: number };
    assert.deepEqual([Buffer.from(stdout).toString(), exitCode], ["small", 1]);
  });

  it("packs repeated numbers", () => {
    const { requestSerialize } = method("PortForward");
    assert.deepEqual([...requestSerialize({ port: [80, 81] })], [0x12, 2, 80, 81]);
  });

  it("keeps nanoseconds given as text exactly", () => {
    const { responseSerialize } = method("PodSandboxStatus");
    const bytes = responseSerialize({ timestamp: "1764000000123456789" });
    // Field 4, varint, 7 bits at a time, lowest first.
    let value = 0n;
    for (const [index, byte] of [...bytes.subarray(1)].entries())
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    assert.equal(bytes[0], 0x20);
    assert.equal(value, 1_764_000_000_123_456_789n);
  });

  it("keeps numbers of enums that it does not know", () => {
    const { requestDeserialize, requestSerialize } = method("CreateContainer");
    const request = requestDeserialize(requestSerialize({ config: { stopSignal: 99 } }));
    assert.equal((request as { config: { stopSignal: number } }).config.stopSignal, 99);
  });

  it("keeps labels with names that JavaScript treats in its own way", () => {
    const { requestDeserialize, requestSerialize } = method("RunPodSandbox");
    const labels = JSON.parse('{"__proto__": "p", "constructor": "c", "": "e"}');
    const request = requestDeserialize(requestSerialize({ config: { labels } })) as {
      config: { labels: object };
    };
    assert.deepEqual(Object.entries(request.config.labels).sort(), [
      ["", "e"],
      ["__proto__", "p"],
      ["constructor", "c"],
    ]);
  });

  it("refuses bytes that are no message", () => {
    assert.throws(() => method("ExecSync").requestDeserialize(Buffer.from([0x0a, 0x7f])));
  });
});

describe("messages that are encoded already", () => {
  const pod = { id: "p", metadata: { name: "n" }, labels: { a: "b" }, createdAt: "1764000000123456789" };

  it("are put into others as they are, beside ones that are not", () => {
    const { responseSerialize } = method("ListPodSandbox");
    const once = encoded<PodSandbox>("PodSandbox", pod);
    const plain = responseSerialize({ items: [pod, pod, {}] });
    assert.deepEqual(responseSerialize({ items: [once, pod, encoded<PodSandbox>("PodSandbox", {})] }), plain);
    assert.deepEqual(responseSerialize({ items: [once, once, {}] }), plain);
  });

  it("stay what they were when others are encoded", () => {
    const { responseSerialize, responseDeserialize } = method("ListPodSandbox");
    const many = Array.from({ length: 50 }, (_, index) =>
      encoded<PodSandbox>("PodSandbox", { id: `p${index}`, labels: { text: "x".repeat(index * 100) } }),
    );
    const { items } = responseDeserialize(responseSerialize({ items: many })) as { items: PodSandbox[] };
    for (const [index, { id, labels }] of items.entries())
      assert.deepEqual([id, labels.text?.length], [`p${index}`, index * 100]);
  });

  it("do no harm when another one cannot be encoded", () => {
    const { responseSerialize } = method("ListPodSandbox");
    const before = responseSerialize({ items: [pod] });
    assert.throws(() => responseSerialize({ items: [{ id: "p", labels: { a: null } }, pod] }));
    assert.deepEqual(responseSerialize({ items: [pod] }), before);
  });

  it("may be large", () => {
    const { responseSerialize, responseDeserialize } = method("ListPodSandbox");
    const labels = { text: "x".repeat(3_000_000) };
    const { items } = responseDeserialize(responseSerialize({ items: [{ labels }] })) as {
      items: PodSandbox[];
    };
    assert.equal(items[0]?.labels.text?.length, 3_000_000);
    assert.deepEqual([...responseSerialize({ items: [] })], []);
  });
});

describe("messages under the contract's names", () => {
  it("have no defaults, bytes as text, maps as they are", () => {
    const { requestDeserialize, requestSerialize } = method("CreateContainer");
    const request = requestDeserialize(
      requestSerialize({
        podSandboxId: "p",
        config: {
          envs: [{ key: "A", value: Buffer.from("ä") }, { key: "B" }],
          labels: { someKey: "v" },
          linux: { securityContext: { runAsUser: { value: 0 }, noNewPrivs: true } },
          CDIDevices: [{ name: "vendor.com/gpu=0" }],
        },
      }),
    );
    assert.deepEqual(contractJson("CreateContainerRequest", request as object), {
      pod_sandbox_id: "p",
      config: {
        envs: [
          { key: "A", value: "ä" },
          { key: "B", value: "" },
        ],
        labels: { someKey: "v" },
        linux: { security_context: { run_as_user: {}, no_new_privs: true } },
        CDI_devices: [{ name: "vendor.com/gpu=0" }],
      },
    });
  });
});
