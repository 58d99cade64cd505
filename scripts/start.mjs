// npm start [-- REFERENCE]: makes the machine ready, then shows one pod from image to exit, as an unprivileged user (scripts/demo.ts).
import { fail } from "./setup/console.mjs";
import { runProgram } from "./setup/run-as.mjs";
import { prepare } from "./setup.mjs";

const references = process.argv.slice(2);
try {
  const place = await prepare(references.length === 0 ? ["image"] : []);
  process.exitCode = await runProgram(place, ["scripts/demo.ts", ...references]);
} catch (error) {
  fail(error);
}
