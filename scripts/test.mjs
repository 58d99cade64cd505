// npm test [-- FILTER…]: makes the machine ready, then runs every test as an unprivileged user (scripts/run-tests.ts).
// A filter is part of a test file's path, or `native`, `unit`, `runtime` for a whole kind.
import { fail } from "./setup/console.mjs";
import { runProgram } from "./setup/run-as.mjs";
import { prepare } from "./setup.mjs";

try {
  const place = await prepare(["test", "image"]);
  process.exitCode = await runProgram(place, ["scripts/run-tests.ts", ...process.argv.slice(2)]);
} catch (error) {
  fail(error);
}
