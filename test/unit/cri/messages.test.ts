import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ContainerState, NamespaceMode, PodSandboxState, Signal } from "#cri";
import { containerMessage, containerStatusMessage } from "../../../src/cri/messages/container.ts";
import { imageMessage } from "../../../src/cri/messages/image.ts";
import { containerInfo, infoOf, sandboxInfo } from "../../../src/cri/messages/info.ts";
import { sandboxMessage, sandboxStatusMessage } from "../../../src/cri/messages/sandbox.ts";
import { signalOf } from "../../../src/cri/messages/signal.ts";
import { containerConfig, containerRecord, imageRecord, podConfig, podRecord } from "./rooms.ts";

describe("pod sandbox messages", () => {
  it("keep what the pod was made with", () => {
    const config = podConfig({
      metadata: { name: "web", uid: "u", namespace: "n", attempt: 3 },
      labels: { app: "web" },
      annotations: { note: "x" },
    });
    const message = sandboxMessage(podRecord({ config, runtimeHandler: "" }));
    assert.deepEqual(message.metadata, { name: "web", uid: "u", namespace: "n", attempt: 3 });
    assert.deepEqual(message.labels, { app: "web" });
    assert.deepEqual(message.annotations, { note: "x" });
    assert.equal(message.createdAt, "1764000000123456789");
  });

  it("are READY only while the pod is", () => {
    assert.equal(sandboxMessage(podRecord({ state: "ready" })).state, PodSandboxState.SANDBOX_READY);
    assert.equal(sandboxMessage(podRecord({ state: "notready" })).state, PodSandboxState.SANDBOX_NOTREADY);
  });

  it("tell the primary address apart from the others", () => {
    const { network } = sandboxStatusMessage(podRecord({ ips: ["10.1.0.2", "fd00::2"] }));
    assert.deepEqual(network, { ip: "10.1.0.2", additionalIps: [{ ip: "fd00::2" }] });
  });

  it("tell no address of a pod on the node's network", () => {
    assert.deepEqual(sandboxStatusMessage(podRecord({ ips: [] })).network, { ip: "", additionalIps: [] });
  });

  it("tell the namespaces that were asked for", () => {
    const options = { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER };
    const config = podConfig({ linux: { securityContext: { namespaceOptions: options } } });
    const { linux } = sandboxStatusMessage(podRecord({ config }));
    assert.equal(linux?.namespaces?.options?.network, NamespaceMode.NODE);
    assert.equal(linux?.namespaces?.options?.pid, NamespaceMode.CONTAINER);
  });
});

describe("container messages", () => {
  const states = [
    ["created", ContainerState.CONTAINER_CREATED],
    ["running", ContainerState.CONTAINER_RUNNING],
    ["exited", ContainerState.CONTAINER_EXITED],
  ] as const;
  for (const [state, expected] of states) {
    it(`say ${state}`, () => {
      assert.equal(containerMessage(containerRecord({ state })).state, expected);
      assert.equal(containerStatusMessage(containerRecord({ state }), undefined).state, expected);
    });
  }

  it("name the image by id in a list, as the kubelet's garbage collection wants it", () => {
    const message = containerMessage(containerRecord());
    assert.equal(message.imageRef, "sha256:1");
    assert.equal(message.imageId, "sha256:1");
    assert.equal(message.image?.image, "sha256:1");
  });

  it("name the image by tag, digest and id in the status", () => {
    const message = containerStatusMessage(containerRecord(), imageRecord());
    assert.equal(message.image?.image, "registry.local/app:1");
    assert.equal(message.imageRef, "registry.local/app@sha256:2");
    assert.equal(message.imageId, "sha256:1");
  });

  it("name the image by its digest when it has no tag", () => {
    const message = containerStatusMessage(containerRecord(), imageRecord({ tags: [] }));
    assert.equal(message.image?.image, "registry.local/app@sha256:2");
  });

  it("name the image as it was asked for when it is gone", () => {
    assert.equal(containerStatusMessage(containerRecord(), undefined).image?.image, "sha256:1");
  });

  it("tell how it ended, times to the nanosecond", () => {
    const message = containerStatusMessage(
      containerRecord({
        state: "exited",
        exitCode: 137,
        reason: "OOMKilled",
        finishedAt: 1_764_000_002_000_000_001n,
      }),
      undefined,
    );
    assert.equal(message.exitCode, 137);
    assert.equal(message.reason, "OOMKilled");
    assert.equal(message.startedAt, "1764000001000000001");
    assert.equal(message.finishedAt, "1764000002000000001");
  });

  it("tell user, mounts, resources, log and stop signal", () => {
    const config = containerConfig({
      mounts: [{ containerPath: "/data", hostPath: "/srv" }],
      linux: { resources: { cpuShares: 512 } },
    });
    const user = { uid: 1000, gid: 1001, supplementalGroups: [5] };
    const message = containerStatusMessage(
      containerRecord({ config, user, stopSignal: "SIGQUIT" }),
      undefined,
    );
    assert.equal(message.mounts?.[0]?.containerPath, "/data");
    assert.equal(message.resources?.linux?.cpuShares, 512);
    assert.deepEqual(message.user, { linux: user });
    assert.equal(message.logPath, "/log/app/2.log");
    assert.equal(message.stopSignal, Signal.SIGNAL_SIGQUIT);
  });
});

describe("stop signals", () => {
  const names: [string, Signal][] = [
    ["SIGTERM", Signal.SIGNAL_SIGTERM],
    ["TERM", Signal.SIGNAL_SIGTERM],
    ["SIGRTMIN+3", Signal.SIGNAL_SIGRTMINPLUS3],
    ["SIGRTMAX-1", Signal.SIGNAL_SIGRTMAXMINUS1],
    ["SIGRTMIN", Signal.SIGNAL_SIGRTMIN],
    ["SIGNOTHING", Signal.SIGNAL_RUNTIME_DEFAULT],
    ["", Signal.SIGNAL_RUNTIME_DEFAULT],
  ];
  for (const [name, signal] of names) {
    it(`"${name}" is ${signal}`, () => assert.equal(signalOf(name), signal));
  }
});

describe("image messages", () => {
  it("tell a user that is root as a number, not as nothing", () => {
    assert.deepEqual(imageMessage(imageRecord({ user: { uid: 0 } })).uid, { value: 0 });
    assert.equal(imageMessage(imageRecord({ user: { uid: 0 } })).username, "");
  });

  it("tell a user that is a name", () => {
    const message = imageMessage(imageRecord({ user: { name: "www-data" } }));
    assert.equal(message.uid, undefined);
    assert.equal(message.username, "www-data");
  });

  it("tell every name of the image, and its size", () => {
    const message = imageMessage(imageRecord());
    assert.deepEqual(message.repoTags, ["registry.local/app:1", "registry.local/app:latest"]);
    assert.deepEqual(message.repoDigests, ["registry.local/app@sha256:2"]);
    assert.equal(message.size, 4711);
  });
});

describe("verbose information", () => {
  it("of a pod holds its configuration under the contract's names, without what was not set", () => {
    const config = podConfig({ metadata: { name: "web" }, logDirectory: "/log" });
    const info = JSON.parse(sandboxInfo(podRecord({ config })).info ?? "");
    assert.equal(info.pid, 77);
    assert.deepEqual(info.config, { metadata: { name: "web" }, log_directory: "/log" });
  });

  it("of a container holds PID, configuration and runtime spec as trees", () => {
    const config = containerConfig({ envs: [{ key: "A", value: Buffer.from("b") }], workingDir: "/w" });
    const spec = '{"ociVersion":"1.2.0"}';
    const confinement = { appArmor: { label: "unconfined" } };
    const info = JSON.parse(containerInfo(containerRecord({ config }), spec, confinement).info ?? "");
    assert.equal(info.pid, 99);
    assert.equal(info.sandboxID, "a".repeat(64));
    assert.deepEqual(info.config, { envs: [{ key: "A", value: "b" }], working_dir: "/w" });
    assert.deepEqual(info.runtimeSpec, { ociVersion: "1.2.0" });
    assert.deepEqual(info.appArmor, { label: "unconfined" });
  });

  it("writes large numbers as text", () => {
    assert.equal(infoOf({ at: 1_764_000_000_000_000_001n }), '{"at":"1764000000000000001"}');
  });
});
