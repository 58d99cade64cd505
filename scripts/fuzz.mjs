// npm run fuzz [-- --seconds N] [-- --seed N]: hostile and damaged layers and streams, as an unprivileged user (test/fuzz/run.ts). 60 seconds
// unless told otherwise; hours are for a person to give.
import { fail } from "./setup/console.mjs";
import { runProgram } from "./setup/run-as.mjs";
import { prepare } from "./setup.mjs";

try {
  const place = await prepare();
  process.exitCode = await runProgram(place, ["test/fuzz/run.ts", ...process.argv.slice(2)]);
} catch (error) {
  fail(error);
}
