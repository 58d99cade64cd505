// The command line of a run in the VM.
import { parseArgs } from "node:util";

export const usage = `npm run test:vm -- [OPTION…] [FILTER…]     FILTER: part of a test file's path
                                               critest: no test file, critest alone
  --critest EXTENT    how much of critest: core (AppArmor, OOM, pods and containers), whole (five to ten minutes) or none; without FILTER core
  --command LINE      instead of the tests, run a shell command line as the user in the VM
  --limit MINUTES     end the VM after this long (60; for the whole of critest 180)
  --accelerator NAME  QEMU's: tcg (works everywhere) or kvm
  --keep              keep the VM's logs also when all is well`;

export interface Options {
  filters: string[];
  critest: string;
  command?: string | undefined;
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
    if (!["tcg", "kvm"].includes(values.accelerator)) {
      throw new Error(`--accelerator ${values.accelerator}: neither tcg nor kvm`);
    }
    return {
      filters: positionals,
      critest,
      command: values.command,
      limitMinutes: Number(limit),
      accelerator: values.accelerator,
      directory: values.directory,
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${usage}`);
  }
}
