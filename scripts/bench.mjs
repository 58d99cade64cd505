// npm run bench -- pulls [--rounds N]: pulling alone, in every respect, beside curl, gunzip and GNU tar (bench/pulls.ts).
// npm run bench [-- --no-peers] [-- --rounds N --pull-rounds N --pods N --stream-rounds N --parts log,streams,…]: lichen side by side with rootless containerd from Debian's
// packages, in one run (bench/run.ts). The peers go to a folder of their own and never into the system; installing them needs root.
import { chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeInCheckout, root } from "./setup/checkout.mjs";
import { fail, run, SetupError, step } from "./setup/console.mjs";
import { runProgram } from "./setup/run-as.mjs";
import { prepare } from "./setup.mjs";

const cache = "/var/cache/lichen-bench";
const peers = join(cache, "peers");
const pulls = process.argv[2] === "pulls";
const withPeers = !pulls && !process.argv.includes("--no-peers");
const args = process.argv.slice(pulls ? 3 : 2).filter((word) => word !== "--no-peers");
const script = pulls ? "bench/pulls.ts" : "bench/run.ts";
const recorded = pulls ? "bench/results-pulls.json" : "bench/results.json";

try {
  const place = await prepare(["image"]);
  if (withPeers) {
    if (process.getuid() !== 0 && !existsSync(join(peers, "ready")))
      throw new SetupError(
        "the peers are not installed",
        "run `npm run bench` as root once, or add -- --no-peers",
      );
    await step("peers", () => run(join(root, "bench/peers/install.sh"), [peers]));
  }
  await step("crictl and streamclient", () => makeInCheckout(["test/conformance/prepare.ts", "tools"]));
  await step("floor", () => makeInCheckout(["test/conformance/prepare.ts", "floor"]));
  const images = process.getuid() === 0 ? join(cache, "images") : join(root, ".cache/bench/images");
  mkdirSync(images, { recursive: true });
  await step("images", () => makeInCheckout(["bench/images/make.ts", images]));
  const directory = mkdtempSync(join(tmpdir(), "lichen-bench-"));
  if (process.getuid() === 0) chownSync(directory, place.user.uid, place.user.gid);
  const results = join(directory, "results.json");
  // bench/pulls.ts measures no streams.
  const tools = script === "bench/run.ts" ? ["--tools", join(place.checkout, ".cache/conformance")] : [];
  const own = ["--images", images, "--results", results, ...tools, ...(withPeers ? ["--peers", peers] : [])];
  process.exitCode = await runProgram(place, [script, ...own, ...args]);
  if (process.exitCode === 0 && !args.includes("--parts")) copyFileSync(results, join(root, recorded));
  rmSync(directory, { recursive: true, force: true });
} catch (error) {
  fail(error);
}
