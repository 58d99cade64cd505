// Registry mirrors in containerd's form (certs.d): pulls by upstream's names reach our registry, and never leave the machine.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes `DIRECTORY/HOST/hosts.toml` for every registry host that occurs in `references`, pointing at `url`, which also stands in for the origin. */
export function writeMirrors(directory: string, references: readonly string[], url: string): void {
  for (const host of new Set(references.map((reference) => reference.split("/", 1)[0] ?? ""))) {
    mkdirSync(join(directory, host), { recursive: true });
    const lines = [`server = "${url}"`, `[host."${url}"]`, 'capabilities = ["pull", "resolve"]'];
    writeFileSync(join(directory, host, "hosts.toml"), `${lines.join("\n")}\n`);
  }
}
