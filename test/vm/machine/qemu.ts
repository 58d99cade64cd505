// QEMU: the machine's own when it is new enough, else the one of its distribution's backports, unpacked in the workshop.
import { globSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../conformance/command.ts";
import { Packages } from "../../conformance/packages.ts";
import { made } from "../../conformance/workshop.ts";
import { vmWorkshop } from "./place.ts";

const executable = "qemu-system-x86_64";
/** Release 7.2 gives guests with two CPUs a kernel oops under software emulation; 10 does not. */
const oldestMajor = 10;

/** How to start QEMU. */
export interface Qemu {
  program: string;
  /** Arguments that come before all others. */
  prefix: string[];
  env: NodeJS.ProcessEnv;
}

/** The major release in the answer of `qemu-system-x86_64 --version`; 0 for none. */
export function qemuMajor(version: string): number {
  return Number(/version (\d+)\./.exec(version)?.[1] ?? 0);
}

/** QEMU below `root`, where its package was unpacked with all that it depends on, down to the dynamic loader. */
export function unpackedQemu(root: string): Qemu {
  const [loader = ""] = globSync("lib64/ld-linux-*.so.*", { cwd: root });
  const libraries = globSync("{usr/lib,lib}/*-linux-gnu", { cwd: root }).map((path) => join(root, path));
  const data = ["usr/share/qemu", "usr/share/seabios"].map((folder) => join(root, folder));
  const [modules = ""] = globSync("usr/lib/*-linux-gnu/qemu", { cwd: root });
  return {
    program: join(root, loader),
    prefix: [
      ...["--library-path", libraries.join(":"), join(root, "usr/bin", executable)],
      ...data.flatMap((folder) => ["-L", folder]),
    ],
    env: { QEMU_MODULE_DIR: join(root, modules) },
  };
}

async function unpackQemu(into: string): Promise<void> {
  await using packages = await Packages.open({ backports: true });
  await packages.unpack(["qemu-system-x86"], into, { backports: true });
}

/** Fetches QEMU when the machine has none that will do (10 s, the first time). */
export async function findQemu(): Promise<Qemu> {
  const own = await run(executable, ["--version"]).catch(() => "");
  if (qemuMajor(own) >= oldestMajor) return { program: executable, prefix: [], env: {} };
  const qemu = unpackedQemu(await made("qemu", [unpackQemu.toString()], unpackQemu, vmWorkshop));
  const version = await run(qemu.program, [...qemu.prefix, "--version"], { env: qemu.env });
  if (qemuMajor(version) >= oldestMajor) return qemu;
  throw new Error(
    `the VM needs QEMU ${oldestMajor} or newer; this release's packages and backports have ${version.split("\n", 1)[0]}`,
  );
}
