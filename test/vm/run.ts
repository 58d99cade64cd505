// Boots the VM, runs its tests in it, and passes on what they print and their exit status. Runs as an unprivileged user: QEMU needs no more.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { checkout, workshop } from "../conformance/workshop.ts";
import { testFiles } from "./guest/files.ts";
import { boot, type SecurityModule } from "./machine/boot.ts";
import { makeImage } from "./machine/image.ts";
import { makeJob } from "./machine/job.ts";
import { findQemu } from "./machine/qemu.ts";
import { type Options, parseOptions } from "./options.ts";

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** How much of critest is run in a VM: its AppArmor specs want AppArmor, and the others are no different with SELinux. */
const critestIn = (security: SecurityModule, critest: string) => (security === "apparmor" ? critest : "none");

/** What the VM runs: the tests, or a command line of the caller's. */
function startScript({ command, critest, filters }: Options, security: SecurityModule): string {
  const start = "exec sh /job/test/vm/guest/start.sh";
  if (command !== undefined) return `${start} test/vm/guest/shell.ts ${quote(command)}\n`;
  const words = [security, critestIn(security, critest), ...filters];
  return `${start} test/vm/guest/main.ts ${words.map(quote).join(" ")}\n`;
}

/** Whether there is anything to do for a VM; the first one says so when there is nothing at all. */
function isNeeded({ command, critest, filters, machines }: Options, security: SecurityModule): boolean {
  if (command !== undefined || critestIn(security, critest) !== "none") return true;
  const needed = machines.filter((name) => testFiles(checkout, name, filters).length > 0);
  return needed.length === 0 ? security === machines[0] : needed.includes(security);
}

/** All of the conformance workshop but what its tools were made with. */
function conformanceParts(): Record<string, string> {
  const names = readdirSync(workshop).filter((name) => name !== "go" && !name.endsWith(".new"));
  return Object.fromEntries(names.map((name) => [join(workshop, name), join(".cache/conformance", name)]));
}

async function run(options: Options, security: SecurityModule): Promise<number> {
  const [qemu, image] = [await findQemu(), await makeImage()];
  const job = join(options.directory, "job.img");
  const directory = join(options.directory, security);
  mkdirSync(directory);
  // Tools and images of the conformance tests are made already, with stamps that hold in the VM as well.
  const extra = critestIn(security, options.critest) === "none" ? {} : conformanceParts();
  await makeJob(job, { start: startScript(options, security), extra });
  const began = performance.now();
  console.log(`booting with ${security} (QEMU, ${options.accelerator})`);
  let first = true;
  return boot({
    ...options,
    directory,
    security,
    qemu,
    image,
    job,
    onOutput: (text) => {
      if (first) console.log(`up after ${((performance.now() - began) / 1000).toFixed(0)} s`);
      first = false;
      process.stdout.write(text);
    },
  });
}

try {
  const options = parseOptions(process.argv.slice(2));
  process.exitCode = 0;
  for (const security of options.machines) {
    if (!isNeeded(options, security)) continue;
    process.exitCode = Math.max(process.exitCode, await run(options, security));
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
