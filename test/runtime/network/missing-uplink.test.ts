// A machine with neither pasta nor slirp4netns.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startNode } from "../../support/node.ts";
import { conditionsOf, talkingPods } from "../../support/pod-pair.ts";

/** A directory with every program of PATH but these. */
function programsWithout(...names: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), "lichen-path-"));
  for (const place of (process.env.PATH ?? "").split(":")) {
    let programs: string[] = [];
    try {
      programs = readdirSync(place);
    } catch {
      // PATH may name what is not there.
    }
    for (const name of programs) {
      if (names.some((one) => name.startsWith(one))) continue;
      try {
        symlinkSync(join(place, name), join(directory, name));
      } catch {
        // The first of a name counts, as in PATH.
      }
    }
  }
  return directory;
}

test("Status, doctor and node.json name what is missing and the command that brings it; pods run, and reach each other", async () => {
  const path = programsWithout("pasta", "passt", "slirp4netns");
  try {
    const node = await startNode({ env: { PATH: path } });
    try {
      const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
      assert.equal(uplink.kind, "none");
      assert.equal(uplink.reason, "pasta is not in PATH; slirp4netns is not in PATH");
      const conditions = await conditionsOf(node);
      for (const type of ["RuntimeReady", "NetworkReady"])
        assert.equal(conditions.get(type)?.status, true, type);
      const condition = conditions.get("lichen/UPLINK_MISSING");
      assert.equal(condition?.status, false);
      assert.match(
        condition?.message ?? "",
        /pods reach nothing beyond this node: .*apt-get install -y passt/,
      );
      const doctor = await node.lichen("doctor");
      assert.match(doctor.stdout + doctor.stderr, /pasta is not in PATH/);

      const run = await talkingPods(node);
      assert.doesNotMatch(await run("cat", "/etc/hosts"), /lichen\.internal/);
    } finally {
      await node.stop();
    }
  } finally {
    rmSync(path, { recursive: true });
  }
});

for (const [what, without, kind] of [
  ["both programs", [], "pasta"],
  ["slirp4netns alone", ["pasta", "passt"], "slirp4netns"],
  ["pasta alone", ["slirp4netns"], "pasta"],
] as const) {
  test(`with ${what}, ${kind} is the uplink, and says what it does without`, async (t) => {
    const path = programsWithout(...without);
    try {
      const node = await startNode({ env: { PATH: path } });
      try {
        const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
        if (uplink.kind === "none") return t.skip(uplink.reason);
        assert.equal(uplink.kind, kind);
        assert.equal(uplink.reason, kind === "slirp4netns" ? "pasta is not in PATH" : "");
        assert.equal((await conditionsOf(node)).get("lichen/UPLINK_MISSING"), undefined);
      } finally {
        await node.stop();
      }
    } finally {
      rmSync(path, { recursive: true });
    }
  });
}
