// A machine without the TUN device, or with something else in its place: no uplink program can run. Hidden by a mount namespace.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startNode } from "../../support/node.ts";
import { conditionsOf, talkingPods } from "../../support/pod-pair.ts";

/** The command line that runs a program where `hide` was done to /dev/net/tun: as root of one user namespace, which mount(8) insists on, and as itself in a second. */
const hidden = (hide: string) => {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const script = `${hide} || exit 99; exec unshare --user --map-user=${uid} --map-group=${gid} "$@"`;
  return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"];
};

for (const [what, hide, reason, hint] of [
  [
    "is not there",
    "mount -t tmpfs none /dev/net",
    /open "\/dev\/net\/tun": No such file or directory \(ENOENT\)/,
    "sudo modprobe tun",
  ],
  [
    "may not be opened",
    "mount -t tmpfs none /dev/net && touch /dev/net/tun && chmod 0 /dev/net/tun",
    /open "\/dev\/net\/tun": Permission denied \(EACCES\)/,
    "sudo chmod 0666 /dev/net/tun",
  ],
  [
    "is something else",
    "mount --bind /dev/null /dev/net/tun",
    /\/dev\/net\/tun: it is something else than the TUN device/,
    "sudo rm /dev/net/tun && sudo mknod -m 0666 /dev/net/tun c 10 200",
  ],
] as const) {
  test(`a TUN device that ${what} is told by Status, doctor and node.json with the way to mend it; pods reach each other`, async (t) => {
    const [program = "", ...args] = [...hidden(hide), "true"];
    const tried = spawnSync(program, args, { encoding: "utf8" });
    if (tried.status !== 0)
      return t.skip(`no user and mount namespace to hide the device in: ${tried.stderr}`);
    const node = await startNode({ by: hidden(hide) });
    try {
      const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
      assert.equal(uplink.kind, "none");
      assert.match(uplink.reason, reason);
      const conditions = await conditionsOf(node);
      for (const type of ["RuntimeReady", "NetworkReady"])
        assert.equal(conditions.get(type)?.status, true, type);
      const { status, message = "" } = conditions.get("lichen/UPLINK_MISSING") ?? {};
      assert.equal(status, false);
      assert.match(message, /^pods reach nothing beyond this node: /);
      assert.match(message, reason);
      assert.ok(message.endsWith(`(${hint})`), message);

      const doctor = await node.lichen("doctor");
      const told = doctor.stdout + doctor.stderr;
      assert.match(told, reason);
      assert.ok(told.includes(hint), told);

      const run = await talkingPods(node);
      assert.doesNotMatch(await run("cat", "/etc/hosts"), /lichen\.internal/);
    } finally {
      // Fails when anything is left behind.
      await node.stop();
    }
  });
}
