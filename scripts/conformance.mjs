// npm run conformance [-- OPTIONS]: makes the machine ready, builds critest and its images, and runs it as an unprivileged user
// (test/conformance/run.ts, which knows the options).
import { makeInCheckout } from "./setup/checkout.mjs";
import { fail, step } from "./setup/console.mjs";
import { runProgram } from "./setup/run-as.mjs";
import { prepare } from "./setup.mjs";

try {
  const place = await prepare(["conformance"]);
  await step("critest and crictl", () => makeInCheckout(["test/conformance/prepare.ts", "tools"]));
  await step("test images", () => makeInCheckout(["test/conformance/prepare.ts", "images"]));
  process.exitCode = await runProgram(place, ["test/conformance/run.ts", ...process.argv.slice(2)]);
} catch (error) {
  fail(error);
}
