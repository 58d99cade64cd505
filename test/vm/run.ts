// Boots the VM, runs its tests in it, and passes on what they print and their exit status. Runs as an unprivileged user: QEMU needs no more.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { workshop } from "../conformance/workshop.ts";
import { boot } from "./machine/boot.ts";
import { makeImage } from "./machine/image.ts";
import { makeJob } from "./machine/job.ts";
import { findQemu } from "./machine/qemu.ts";
import { type Options, parseOptions } from "./options.ts";

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** What the VM runs: the tests, or a command line of the caller's. */
function startScript({ command, critest, filters }: Options): string {
  const start = "exec sh /job/test/vm/guest/start.sh";
  if (command !== undefined) return `${start} test/vm/guest/shell.ts ${quote(command)}\n`;
  return `${start} test/vm/guest/main.ts ${[critest, ...filters].map(quote).join(" ")}\n`;
}

/** All of the conformance workshop but what its tools were made with. */
function conformanceParts(): Record<string, string> {
  const names = readdirSync(workshop).filter((name) => name !== "go" && !name.endsWith(".new"));
  return Object.fromEntries(names.map((name) => [join(workshop, name), join(".cache/conformance", name)]));
}

async function run(options: Options): Promise<number> {
  const [qemu, image] = [await findQemu(), await makeImage()];
  const job = join(options.directory, "job.img");
  // Tools and images of the conformance tests are made already, with stamps that hold in the VM as well.
  const extra = options.critest === "none" ? {} : conformanceParts();
  await makeJob(job, { start: startScript(options), extra });
  const began = performance.now();
  console.log(`booting (QEMU, ${options.accelerator})`);
  let first = true;
  return boot({
    ...options,
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
  process.exitCode = await run(parseOptions(process.argv.slice(2)));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
