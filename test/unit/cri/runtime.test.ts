import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CgroupDriver } from "#cri";
import { createContainer } from "../../../src/cri/runtime/create-container.ts";
import { execSync } from "../../../src/cri/runtime/exec-sync.ts";
import { runtimeRpcs } from "../../../src/cri/runtime/rpcs.ts";
import { runtimeConfig } from "../../../src/cri/runtime/runtime-config.ts";
import { status } from "../../../src/cri/runtime/status.ts";
import { updateRuntimeConfig } from "../../../src/cri/runtime/update-runtime-config.ts";
import type { ContainerImage } from "../../../src/pod/service.ts";
import { context, decoded, imageRecord } from "./rooms.ts";

const call = { signal: new AbortController().signal };

describe("CreateContainer", () => {
  const request = (image: string) =>
    decoded<Parameters<typeof createContainer>[0]>("CreateContainer", {
      podSandboxId: "pod",
      config: { metadata: { name: "app" }, image: { image } },
      sandboxConfig: { metadata: { name: "web" } },
    });

  it("finds the image and hands layers and configuration on", async () => {
    const received: ContainerImage[] = [];
    const rooms = context({
      images: {
        status: (reference) => (reference === "app:1" ? imageRecord() : undefined),
        rootSource: (id) => ({ lower: [`/layers/${id}`], config: imageRecord().config }),
      },
      pods: {
        createContainer: async (_sandbox, _config, _sandboxConfig, image) => {
          received.push(image);
          return "id";
        },
      },
    });
    assert.deepEqual(await createContainer(request("app:1"), rooms, call), { containerId: "id" });
    assert.deepEqual(received, [
      {
        id: "sha256:1",
        ref: "registry.local/app@sha256:2",
        lower: ["/layers/sha256:1"],
        config: { Cmd: ["sh"] },
      },
    ]);
  });

  it("refers to an image without digests by its id", async () => {
    let ref = "";
    const rooms = context({
      images: {
        status: () => imageRecord({ digests: [] }),
        rootSource: () => ({ lower: [], config: imageRecord().config }),
      },
      pods: {
        createContainer: async (_sandbox, _config, _sandboxConfig, image) => {
          ref = image.ref;
          return "id";
        },
      },
    });
    await createContainer(request("app:1"), rooms, call);
    assert.equal(ref, "sha256:1");
  });

  it("says that an image is not there before anything is made", async () => {
    const rooms = context({ images: { status: () => undefined } });
    await assert.rejects(async () => createContainer(request("app:9"), rooms, call), {
      code: "NOT_FOUND",
      message: "create container app: image app:9 is not on this node",
      hint: "pull it first",
    });
  });

  it("refuses a request without an image", async () => {
    await assert.rejects(async () => createContainer(request(""), context({}), call), {
      code: "INVALID_ARGUMENT",
      message: "create container: the request has no config.image.image",
    });
  });
});

describe("ExecSync", () => {
  const request = (cmd: string[]) =>
    decoded<Parameters<typeof execSync>[0]>("ExecSync", { containerId: "c", cmd, timeout: 3 });

  it("answers with output and exit code", async () => {
    const output = { stdout: Buffer.from("out"), stderr: Buffer.from("err"), exitCode: 3 };
    const rooms = context({
      pods: {
        execSync: async (id, command, timeout) => {
          assert.deepEqual([id, command, timeout], ["c", ["ls", "-l"], 3]);
          return output;
        },
      },
    });
    assert.deepEqual(await execSync(request(["ls", "-l"]), rooms, call), output);
  });

  it("refuses an empty command", async () => {
    await assert.rejects(async () => execSync(request([]), context({}), call), { code: "INVALID_ARGUMENT" });
  });
});

describe("RPCs that name one pod or container", () => {
  const names = [
    "StopPodSandbox",
    "RemovePodSandbox",
    "PodSandboxStatus",
    "StartContainer",
    "StopContainer",
    "RemoveContainer",
    "ContainerStatus",
    "ContainerStats",
    "PodSandboxStats",
    "ReopenContainerLog",
    "ExecSync",
  ] as const;
  for (const name of names) {
    it(`${name} refuses an empty id instead of taking it for a prefix of every id`, async () => {
      const answer = runtimeRpcs[name] as (request: unknown, rooms: unknown, call: unknown) => unknown;
      await assert.rejects(async () => answer(decoded(name, {}), context({}), call), {
        code: "INVALID_ARGUMENT",
        reason: /^the request has no (pod_sandbox|container)_id$/,
      });
    });
  }
});

describe("Status", () => {
  const rooms = context({
    node: { warnings: [{ code: "SUBUID_MISSING", message: "one id only", hint: "usermod …" }] },
    pods: {
      conditions: () => [
        { type: "NetworkReady", ok: false, reason: "NoUplink", message: "no program" },
        { type: "LimitsNotEnforced", ok: false, reason: "NoControllers", message: "memory" },
      ],
      nodeConfinement: () => ({
        appArmor: { active: true, defaultProfile: "lichen-default", loaded: false },
        selinux: { active: false },
        privileged: { note: "", refused: [] },
      }),
    },
  });

  it("has what the kubelet waits for, and what people should know", async () => {
    const answer = await status({ verbose: false }, rooms, call);
    assert.deepEqual(
      answer.status?.conditions?.map((condition) => [condition.type, condition.status, condition.reason]),
      [
        ["RuntimeReady", true, undefined],
        ["NetworkReady", false, "NoUplink"],
        ["LimitsNotEnforced", false, "NoControllers"],
        ["lichen/SUBUID_MISSING", false, "SUBUID_MISSING"],
      ],
    );
    assert.equal(answer.status?.conditions?.at(-1)?.message, "one id only (usermod …)");
    assert.deepEqual(answer.info, {});
  });

  it("tells node and configuration when verbose", async () => {
    const answer = await status({ verbose: true }, rooms, call);
    assert.equal(JSON.parse(answer.info?.node ?? "").warnings[0].code, "SUBUID_MISSING");
    assert.equal(JSON.parse(answer.info?.config ?? "").cgroups.missing, "refuse");
    assert.equal(JSON.parse(answer.info?.confinement ?? "").appArmor.loaded, false);
  });
});

describe("RuntimeConfig", () => {
  it("tells paths unless systemd's slices are configured, and there is a systemd of the user's", async () => {
    const driver = async (config: string, socket: string) => {
      const { node, ...rest } = context({ config });
      const manager = { socket, hostPath: "", controllers: [], reason: "" };
      const withManager = { ...node, cgroup: { ...node.cgroup, manager } };
      return (await runtimeConfig({}, { ...rest, node: withManager }, call)).linux?.cgroupDriver;
    };
    const socket = "/run/user/1000/systemd/private";
    assert.equal(await driver("", socket), CgroupDriver.CGROUPFS);
    assert.equal(await driver('cgroups.driver = "cgroupfs"', socket), CgroupDriver.CGROUPFS);
    assert.equal(await driver('cgroups.driver = "systemd"', socket), CgroupDriver.SYSTEMD);
    assert.equal(await driver('cgroups.driver = "systemd"', ""), CgroupDriver.CGROUPFS);
  });
});

describe("UpdateRuntimeConfig", () => {
  const used: string[][] = [];
  const pods = { usePodCidrs: async (cidrs: readonly string[]) => void used.push([...cidrs]) };
  const update = (podCidr: string) =>
    updateRuntimeConfig(
      decoded<Parameters<typeof updateRuntimeConfig>[0]>("UpdateRuntimeConfig", {
        runtimeConfig: { networkConfig: { podCidr } },
      }),
      context({ pods }),
      call,
    );

  it("hands one range, or one a family, to the pods' network, and nothing when there is none", async () => {
    assert.deepEqual(await update(""), {});
    assert.deepEqual(await update("10.99.0.0/16"), {});
    await update("10.99.0.0/16, fd00:1::/64");
    assert.deepEqual(used, [["10.99.0.0/16"], ["10.99.0.0/16", "fd00:1::/64"]]);
  });

  for (const cidr of [
    "10.7.0.0",
    "10.7.0.0/33",
    "fd00::/129",
    "x/8",
    "10.0.0.0/8/8",
    "10.0.0.0/8,nonsense",
  ]) {
    it(`refuses ${cidr}, before anything is done`, async () => {
      used.length = 0;
      await assert.rejects(async () => update(cidr), { code: "INVALID_ARGUMENT" });
      assert.deepEqual(used, []);
    });
  }
});
