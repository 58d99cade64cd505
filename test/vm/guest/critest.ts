// critest in the VM, as two runs that count as one.
// Most specs run inside the node's namespaces. Those about AppArmor load profiles, which takes root of the machine itself, and so run
// there, against the unprivileged user's socket.
import { mkdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { runCritest } from "../../conformance/critest.ts";
import { conformanceImages } from "../../conformance/images/index.ts";
import { writeMirrors } from "../../conformance/mirrors.ts";
import { progressLine } from "../../conformance/progress.ts";
import type { Report } from "../../conformance/report.ts";
import { serveImages } from "../../conformance/serve.ts";
import { notPassed, totals } from "../../conformance/summary.ts";
import { conformanceTools } from "../../conformance/tools.ts";
import { dist, startNode } from "../../support/node.ts";
import { judge, readExpectations } from "../expectations.ts";
import { administrator } from "../support.ts";

/** The specs that only the VM can pass, and what else shows that a node works. */
const core =
  "OOM|Container runtime should support basic operations on container|basic operations on PodSandbox";

/** How long each of the two runs may take. */
const limitMinutes = 90;

async function run(whole: boolean): Promise<Report> {
  const base = await mkdtemp(join(homedir(), "critest-"));
  const images = await conformanceImages();
  const program = join(await conformanceTools(), "critest");
  const registry = await serveImages(images);
  const certs = join(base, "certs.d");
  const names = images.flatMap((image) => image.names);
  writeMirrors(certs, names, `http://${registry.host}`);
  // What is asked of containers must hold under the profile that they have by default, too.
  const profile = join(dist, "apparmor.d/lichen-default");
  await administrator(`apparmor_parser --replace --skip-cache ${profile}`);
  const node = await startNode({ config: `[images]\ncerts_directories = [${JSON.stringify(certs)}]\n` });
  const inNode = [join(dist, "bin/lichen-launcher"), "enter", "--runtime-dir", node.runtimeDir, "--"];
  const asRoot = ["sudo", "--preserve-env=HOME,TMPDIR"];
  const part = (name: string, enter: string[], specs: { focus?: string; skip?: string }) => {
    const directory = join(base, name);
    mkdirSync(directory);
    let last = Date.now();
    return runCritest({
      program,
      enter,
      socket: join(node.runtimeDir, "lichen.sock"),
      directory,
      ...specs,
      timeLimitMinutes: limitMinutes,
      onProgress: (progress) => {
        if (Date.now() - last < 15_000) return;
        last = Date.now();
        console.log(progressLine(progress));
      },
    });
  };
  const reports: Report[] = [];
  try {
    reports.push(await part("apparmor", asRoot, { focus: "AppArmor" }));
    reports.push(await part("node", inNode, whole ? { skip: "AppArmor" } : { focus: core }));
  } finally {
    await registry.close();
    await administrator(`apparmor_parser --remove ${profile}`);
    await node.stop().catch((error: Error) => reports.at(-1)?.troubles.push(error.message));
  }
  return {
    specs: reports.flatMap(({ specs }) => specs),
    troubles: reports.flatMap(({ troubles }) => troubles),
    seed: reports.at(-1)?.seed ?? 0,
  };
}

/** Runs it, prints what did not pass and why, and gives how many of the specs that must pass did. */
export async function critest(extent: "core" | "whole"): Promise<{ passed: number; failed: number }> {
  const whole = extent === "whole";
  const report = await run(whole);
  for (const line of notPassed(report)) console.log(line);
  for (const trouble of report.troubles) console.log(`trouble: ${trouble}`);
  const { lines, passed, failed } = judge(report, readExpectations(), whole);
  for (const line of lines) console.log(line);
  console.log(totals(report));
  console.log(`must pass: ${passed} passed, ${failed} failed`);
  return { passed, failed: failed + report.troubles.length };
}
