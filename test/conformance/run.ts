// Runs critest inside a lichen of its own, as the unprivileged user that this process belongs to, and compares the outcome to the
// list of specs that must pass. Exit status 1 when one of them does not, or when lichen leaves something behind.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dist, startNode } from "../support/node.ts";
import { runCritest } from "./critest.ts";
import { compare, expectedList, readExpected } from "./expected.ts";
import { conformanceImages } from "./images/index.ts";
import { writeMirrors } from "./mirrors.ts";
import { type Options, parseOptions } from "./options.ts";
import { type Progress, progressLine } from "./progress.ts";
import type { Report } from "./report.ts";
import { serveImages } from "./serve.ts";
import { findings, notPassed, totals, verdict } from "./summary.ts";
import { conformanceTools } from "./tools.ts";

/** A terminal sees one line change; a pipe gets a line now and then. */
function progressPrinter(): (progress: Progress) => void {
  let last = Date.now();
  return (progress) => {
    if (process.stdout.isTTY) {
      process.stdout.write(`\r\u001b[K${progressLine(progress)}`);
    } else if (Date.now() - last > 15_000) {
      last = Date.now();
      console.log(progressLine(progress));
    }
  };
}

/** Runs critest in a node of its own and takes the node down again; what it leaves behind becomes a trouble of the report. */
async function runInNode(options: Options, critest: string, certsDirectory: string): Promise<Report> {
  const node = await startNode({
    config: `[images]\ncerts_directories = [${JSON.stringify(certsDirectory)}]\n`,
  });
  let report: Report | undefined;
  try {
    report = await runCritest({
      program: critest,
      enter: [join(dist, "bin/lichen-launcher"), "enter", "--runtime-dir", node.runtimeDir, "--"],
      socket: join(node.runtimeDir, "lichen.sock"),
      directory: options.directory,
      focus: options.focus,
      seed: options.seed,
      timeLimitMinutes: options.limitMinutes,
      onProgress: progressPrinter(),
    });
  } finally {
    writeFileSync(join(options.directory, "lichen.log"), node.log());
    // Without a report its own error is on its way, and says more.
    await node.stop().catch((error: Error) => report?.troubles.push(error.message));
  }
  return report;
}

async function run(options: Options): Promise<Report> {
  const images = await conformanceImages();
  const tools = await conformanceTools();
  const registry = await serveImages(images);
  try {
    const certs = join(options.directory, "certs.d");
    const names = images.flatMap((image) => image.names);
    writeMirrors(certs, names, `http://${registry.host}`);
    return await runInNode(options, join(tools, "critest"), certs);
  } finally {
    await registry.close();
  }
}

/** Prints what came of a run, and gives its exit status. */
function conclude(report: Report, focus: string | undefined): number {
  const comparison = compare(report, readExpected(expectedList), focus === undefined);
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  for (const line of notPassed(report)) console.log(line);
  for (const trouble of report.troubles) console.log(`trouble: ${trouble}`);
  for (const line of findings(comparison)) console.log(line);
  if (focus === undefined) console.log(`order of specs: --seed ${report.seed}`);
  console.log(verdict(comparison));
  console.log(totals(report));
  const wrong = comparison.broken.length + comparison.vanished.length + report.troubles.length;
  return wrong > 0 ? 1 : 0;
}

try {
  const options = parseOptions(process.argv.slice(2));
  process.exitCode = conclude(await run(options), options.focus);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
