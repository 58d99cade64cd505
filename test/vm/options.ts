// The command line of a run in the VM.
import { parseArgs } from "node:util";
import { type SecurityModule, securityModules } from "./machine/boot.ts";

export const usage = `npm run test:vm -- [OPTION…] [FILTER…]     FILTER: part of a test file's path
                                               critest: no test file, critest alone
Tests in test/vm/selinux are run in a second VM, which is started with SELinux in place of AppArmor.
  --critest EXTENT    how much of critest: core (AppArmor, OOM, pods and containers), whole (five to ten minutes) or none; without FILTER core
  --command LINE      instead of the tests, run a shell command line as the user in the VM
  --security NAME     apparmor or selinux: only this one of the two VMs; for --command apparmor
  --limit MINUTES     end the VM after this long (60; for the whole of critest 180)
  --accelerator NAME  QEMU's: tcg (works everywhere) or kvm
  --keep              keep the VM's logs also when all is well`;

export interface Options {
  filters: string[];
  critest: string;
  command?: string | undefined;
  /** The VMs that are started, one after the other. */
  machines: SecurityModule[];
  limitMinutes: number;
  accelerator: string;
  /** Where the job's disk and the logs go. */
  directory: string;
}

/** Reads the arguments; throws with the usage for what it does not know. `--keep` is scripts/vm.mjs's part. */
export function parseOptions(args: readonly string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        command: { type: "string" },
        critest: { type: "string" },
        limit: { type: "string" },
        security: { type: "string" },
        accelerator: { type: "string", default: "tcg" },
        keep: { type: "boolean", default: false },
        directory: { type: "string" },
      },
    });
    if (!values.directory) throw new Error("--directory is missing");
    const chosen = positionals.length > 0 && !positionals.includes("critest");
    const critest = values.critest ?? (chosen ? "none" : "core");
    if (!["core", "whole", "none"].includes(critest)) {
      throw new Error(`--critest ${critest}: neither core nor whole nor none`);
    }
    const limit = values.limit ?? (critest === "whole" ? "180" : "60");
    if (!/^[1-9]\d{0,3}$/.test(limit)) throw new Error(`--limit ${limit}: not a number of minutes`);
    const security = values.security ?? (values.command === undefined ? undefined : "apparmor");
    const machines = securityModules.filter((name) => security === undefined || name === security);
    if (machines.length === 0) throw new Error(`--security ${security}: neither apparmor nor selinux`);
    if (!["tcg", "kvm"].includes(values.accelerator)) {
      throw new Error(`--accelerator ${values.accelerator}: neither tcg nor kvm`);
    }
    return {
      filters: positionals,
      critest,
      command: values.command,
      machines,
      limitMinutes: Number(limit),
      accelerator: values.accelerator,
      directory: values.directory,
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${usage}`);
  }
}
