// npm run test:vm [-- OPTION… FILTER…]: makes a Debian VM with systemd, cgroup v2, delegation and AppArmor, and runs test/vm in it
// (test/vm/run.ts; test/vm/options.ts knows the options). The VM's disk takes root to make, once; nothing else does.
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeInCheckout, node, root } from "./setup/checkout.mjs";
import { fail, run, step } from "./setup/console.mjs";
import { runProgram } from "./setup/run-as.mjs";
import { prepare } from "./setup.mjs";

const args = process.argv.slice(2);
const make = (program, part) => makeInCheckout([`test/${program}/prepare.ts`, part]);

/** As root whoever owns the checkout, and theirs afterwards. */
async function makeImage() {
  await run(node, ["test/vm/prepare.ts", "image"], { cwd: root });
  if (process.getuid() !== 0) return;
  const { uid, gid } = statSync(root);
  await run("chown", ["-R", `${uid}:${gid}`, join(root, ".cache")]);
}

try {
  const place = await prepare(["vm", "conformance"]);
  await step("critest and crictl", () => make("conformance", "tools"));
  await step("critest's images", () => make("conformance", "images"));
  await step("QEMU", () => make("vm", "qemu"));
  await step("the VM's disk", makeImage);
  const directory = mkdtempSync(join(tmpdir(), "lichen-vm-"));
  chmodSync(directory, 0o755);
  if (process.getuid() === 0) chownSync(directory, place.user.uid, place.user.gid);
  process.exitCode = await runProgram(place, ["test/vm/run.ts", "--directory", directory, ...args]);
  rmSync(join(directory, "job.img"), { force: true });
  if (process.exitCode === 0 && !args.includes("--keep")) rmSync(directory, { recursive: true, force: true });
  else console.error(`the VM's logs: ${directory}`);
} catch (error) {
  fail(error);
}
