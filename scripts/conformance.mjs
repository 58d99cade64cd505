// npm run conformance [-- --tools-only | OPTIONS]: makes the machine ready, builds critest and its images, and runs it as an unprivileged user
// (test/conformance/run.ts; test/conformance/options.ts knows the options). The runtime tests use the tools, too, where they are built.
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeInCheckout } from "./setup/checkout.mjs";
import { fail, step } from "./setup/console.mjs";
import { runProgram } from "./setup/run-as.mjs";
import { prepare } from "./setup.mjs";

const make = (program, ...args) => makeInCheckout([`test/conformance/${program}.ts`, ...args]);
const args = process.argv.slice(2);

try {
  const place = await prepare(["conformance"]);
  await step("critest, crictl and streamclient", () => make("prepare", "tools"));
  if (args.includes("--tools-only")) process.exit();
  await step("test images", () => make("prepare", "images"));
  const directory = mkdtempSync(join(tmpdir(), "lichen-critest-"));
  chmodSync(directory, 0o755);
  if (process.getuid() === 0) chownSync(directory, place.user.uid, place.user.gid);
  process.exitCode = await runProgram(place, ["test/conformance/run.ts", "--directory", directory, ...args]);
  const report = join(directory, "report.json");
  if (args.includes("--update") && existsSync(report)) await make("update", report);
  if (process.exitCode === 0 && !args.includes("--keep")) rmSync(directory, { recursive: true, force: true });
  else console.error(`log and report: ${directory}`);
} catch (error) {
  fail(error);
}
