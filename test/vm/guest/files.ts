// Which test files are run in which of the two VMs.
import { globSync } from "node:fs";
import type { SecurityModule } from "../machine/boot.ts";

/** Tests of every machine that skip most of theirs where there are no controllers. */
const borrowed = ["test/runtime/pod/update.test.ts"];

/** The files, relative to the checkout, whose paths have one of the filters in them; without filters all. */
export function testFiles(checkout: string, security: SecurityModule, filters: readonly string[]): string[] {
  const files = {
    apparmor: () => [...globSync("test/vm/*.test.ts", { cwd: checkout }), ...borrowed],
    selinux: () => globSync("test/vm/selinux/*.test.ts", { cwd: checkout }),
  };
  return files[security]()
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
}
