// AppArmor profiles that an administrator has loaded, applied without any privilege.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type LinuxContainerSecurityContext,
  type Outgoing,
  SecurityProfileProfileType as ProfileType,
} from "#cri";
import { type LichenNode, startNode } from "../support/node.ts";
import { createContainer, exited, pullBusybox, runContainer, runPod, type TestPod } from "../support/pods.ts";
import { administrator } from "./support.ts";

const failedPrecondition = 9;
const profile = "lichen-test-no-writes";
const policy = `abi <abi/4.0>,
profile ${profile} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  signal,
  ptrace,
  deny /tmp/** w,
}`;

let node: LichenNode;
let image: string;
let pod: TestPod;

before(async () => {
  await administrator(`apparmor_parser --replace --skip-cache <<'END'\n${policy}\nEND`);
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "confined");
});
after(async () => {
  await node?.stop();
  await administrator(`apparmor_parser --remove <<'END'\n${policy}\nEND`);
});

const localhost = (localhostRef: string) => ({
  apparmor: { profileType: ProfileType.Localhost, localhostRef },
});
const confined = (securityContext: Outgoing<LinuxContainerSecurityContext>) => ({
  linux: { securityContext },
});

/** Runs a script to its end and gives its exit code. */
async function run(name: string, context: Outgoing<LinuxContainerSecurityContext>, script: string) {
  const id = await runContainer(node, pod, image, name, script, confined(context));
  return (await exited(node, id)).exitCode;
}

test("a loaded profile is enforced: what it denies fails, the rest works", async () => {
  assert.equal(await run("named", localhost(profile), "touch /root/ok && ! touch /tmp/denied"), 0);
  const label = `grep -q '^${profile} (enforce)$' /proc/self/attr/current`;
  assert.equal(await run("label", localhost(profile), label), 0);
});

test("the deprecated field and its prefix mean the same", async () => {
  assert.equal(await run("old", { apparmorProfile: `localhost/${profile}` }, "touch /tmp/denied"), 1);
  assert.equal(await run("prefix", localhost(`localhost/${profile}`), "touch /tmp/denied"), 1);
});

test("a privileged container has the profile that was named for it", async () => {
  const privileged = await runPod(node, "privileged", { linux: { securityContext: { privileged: true } } });
  const context = { ...localhost(profile), privileged: true };
  const id = await runContainer(node, privileged, image, "main", "touch /tmp/denied", confined(context));
  assert.equal((await exited(node, id)).exitCode, 1);
});

test("exec runs under the container's profile", async () => {
  const id = await runContainer(node, pod, image, "exec", "exec sleep 1000", confined(localhost(profile)));
  const cmd = ["touch", "/tmp/denied"];
  const { exitCode } = await node.client.execSync({ containerId: id, cmd, timeout: 60 });
  assert.equal(exitCode, 1);
});

test("no profile, the runtime's default and unconfined deny nothing", async () => {
  const script = "touch /tmp/fine && grep -q '^unconfined' /proc/self/attr/current";
  for (const profileType of [ProfileType.RuntimeDefault, ProfileType.Unconfined]) {
    const context = { apparmor: { profileType, localhostRef: "" } };
    assert.equal(await run(`type-${profileType}`, context, script), 0);
  }
  assert.equal(await run("none", {}, script), 0);
});

test("a profile that is not loaded is refused by its name, and no container is left", async () => {
  const count = async () => (await node.client.listContainers({})).containers.length;
  const before = await count();
  await assert.rejects(
    createContainer(node, pod, image, "missing", "true", confined(localhost("lichen-not-loaded"))),
    { code: failedPrecondition, details: /AppArmor profile "?lichen-not-loaded"?.*loaded/ },
  );
  assert.equal(await count(), before);
});
