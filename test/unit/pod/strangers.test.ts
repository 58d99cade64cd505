/** Whatever a client puts into a configuration, it is taken or refused with a reason before anything is made. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ContainerConfig, type LinuxContainerResources, type PodSandboxConfig, Signal } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { checkContainer } from "../../../src/pod/container/validate.ts";
import { checkPod } from "../../../src/pod/sandbox/validate.ts";
import { commandLine, environment, workingDirectory } from "../../../src/pod/spec/process.ts";
import { signalNumber, stopSignal } from "../../../src/pod/spec/stop-signal.ts";
import { cgroupSettings } from "../../../src/resources/limits.ts";
import { sliceOf, slicePath } from "../../../src/resources/slices.ts";
import { resolveCapabilities } from "../../../src/security/capabilities.ts";
import { resolveUser } from "../../../src/security/users.ts";
import type { PodRecord } from "../../../src/store/pods.ts";
import { containerConfig, podConfig } from "./records.ts";

/** Texts that mean something to shells, kernels, JavaScript or systemd, and nothing to a client of ours. */
const texts = [
  "",
  " ",
  "..",
  "../..",
  "/",
  "//",
  "/..",
  "\0",
  "/a\0b",
  "a\nb",
  "-",
  "--",
  "-a",
  "a-",
  "=",
  "a=b",
  "%s",
  "$(id)",
  "__proto__",
  "constructor",
  "toString",
  "ALL",
  "CAP_",
  "0",
  "-1",
  "01",
  "1e3",
  "4294967295",
  "99999999999999999999",
  "\u{fffd}",
  "é",
  "x".repeat(5000),
  ".slice",
  "-.slice",
  "a--b.slice",
  "/a.slice/b.slice",
  "/a.slice/a-b.slice",
];

function takenOrRefused<T>(where: string, take: () => T): T | undefined {
  try {
    return take();
  } catch (error) {
    assert.ok(error instanceof LichenError, `${JSON.stringify(where)}: ${(error as Error).stack}`);
    assert.ok(["INVALID_ARGUMENT", "FAILED_PRECONDITION"].includes(error.code), `${where}: ${error.code}`);
    return undefined;
  }
}

test("pods: names, hosts, DNS, sysctls, log directories", () => {
  const ready = (fields: Partial<PodSandboxConfig>) => checkPod(podConfig(fields), "", undefined);
  for (const text of texts) {
    takenOrRefused(text, () => checkPod(podConfig(), text, undefined));
    takenOrRefused(text, () => ready({ metadata: { name: text, uid: text, namespace: text, attempt: 0 } }));
    const host = takenOrRefused(text, () => ready({ hostname: text }))?.hostname ?? "";
    assert.match(host, /^[a-zA-Z0-9.-]{0,64}$/);
    takenOrRefused(text, () => ready({ dnsConfig: { servers: [text], searches: [text], options: [text] } }));
    const log = takenOrRefused(text, () => ready({ logDirectory: text }));
    assert.ok(log === undefined || text === "" || text.startsWith("/"));
    const linux = { ...podConfig().linux, sysctls: { [text]: text } } as unknown as PodSandboxConfig["linux"];
    assert.deepEqual(takenOrRefused(text, () => ready({ linux }))?.sysctls ?? {}, {}, text);
  }
});

test("containers: names, commands, variables, directories, mounts, signals", () => {
  const pod = { id: "p", state: "ready", reason: "", config: podConfig() } as PodRecord;
  const image = { Cmd: ["sh"] };
  for (const text of texts) {
    const value = Buffer.from(text);
    const config: ContainerConfig = containerConfig({
      metadata: { name: text, attempt: 0 },
      command: [text],
      args: [text],
      workingDir: text,
      envs: [{ key: text, value }],
    });
    takenOrRefused(text, () => checkContainer(pod, config));
    for (const word of takenOrRefused(text, () => commandLine(config, image)) ?? [])
      assert.ok(!word.includes("\0"));
    for (const word of takenOrRefused(text, () => environment(config, image, "h")) ?? [])
      assert.ok(!word.includes("\0"));
    assert.match(takenOrRefused(text, () => workingDirectory(config, image)) ?? "/", /^\//);
    const signal = takenOrRefused(text, () => stopSignal(Signal.SIGNAL_RUNTIME_DEFAULT, text)) ?? "";
    assert.ok((signalNumber(signal) ?? 0) > 0, `${text} is ${signal}`);
  }
});

test("users, capabilities, slices, limits", () => {
  const passwd = texts.map((text) => `${text}:x:${text}:${text}::/:`).join("\n");
  const files = { passwd: () => passwd, group: () => passwd };
  const nobody = {
    runAsUser: undefined,
    runAsUsername: "",
    runAsGroup: undefined,
    supplementalGroups: [],
    strict: false,
  };
  const resources = {
    hugepageLimits: [],
    unified: {},
    cpusetCpus: "",
    cpusetMems: "",
  } as unknown as LinuxContainerResources;
  for (const text of texts) {
    for (const imageUser of [text, `${text}:${text}`, `0:${text}`]) {
      const user = takenOrRefused(imageUser, () => resolveUser({ ...nobody, imageUser }, files));
      for (const id of user ? [user.uid, user.gid, ...user.additionalGids] : [])
        assert.ok(Number.isInteger(id) && id >= 0 && id < 2 ** 32 - 1, `${imageUser} is ${id}`);
    }
    const capabilities = { addCapabilities: [text], dropCapabilities: [text], addAmbientCapabilities: [] };
    const sets = takenOrRefused(text, () =>
      resolveCapabilities({ privileged: false, capabilities, lastCapability: 40 }),
    );
    for (const name of sets?.bounding ?? []) assert.match(name, /^CAP_[A-Z_]+$/);
    const path = takenOrRefused(text, () => slicePath(text)) ?? "/";
    assert.match(path, /^\/([^/\0]+\.slice(\/|$))*$/);
    const slice = sliceOf(text, "/manager");
    if (slice !== undefined && slice !== text) assert.ok(text.endsWith(slicePath(slice)), text);
    const asked = { ...resources, unified: { [text]: text }, hugepageLimits: [{ pageSize: text, limit: 1 }] };
    for (const { file } of takenOrRefused(text, () => cgroupSettings(asked)) ?? [])
      assert.doesNotMatch(file, /[/\0]/);
  }
});
