import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginHost } from "../../../../src/network/cni/plugin.ts";

/** One call that a plugin of the folder has got. */
export interface SeenCall {
  type: string;
  command: string;
  containerId: string;
  netns: string;
  ifname: string;
  args: string;
  config: Record<string, unknown>;
}

/** A folder with plugins that are shell scripts, each noting what it was asked before it does what a test wants of it. */
export class PluginFolder {
  readonly directory = mkdtempSync(join(tmpdir(), "lichen-cni-"));
  readonly bin = join(this.directory, "bin");
  readonly state = join(this.directory, "state");

  constructor() {
    mkdirSync(this.bin);
    mkdirSync(this.state);
  }

  host(more: Partial<PluginHost> = {}): PluginHost {
    return {
      directories: [join(this.directory, "nowhere"), this.bin],
      timeoutMs: 10_000,
      environment: {},
      ...more,
    };
  }

  /** `script` runs after the note was made; standard input is in $input then. */
  add(type: string, script: string): this {
    const note = `printf '%s\\t' "${type}" "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_NETNS" "$CNI_IFNAME" "$CNI_ARGS" >>"${this.#log}"
input=$(cat); printf '%s\\n' "$input" >>"${this.#log}"`;
    const path = join(this.bin, type);
    writeFileSync(path, `#!/bin/sh\n${note}\n${script}\n`);
    chmodSync(path, 0o755);
    return this;
  }

  /** Prints a result with one address. */
  addGiving(type: string, address: string): this {
    const ips = [{ address, interface: 0 }];
    const result = { cniVersion: "1.0.0", interfaces: [{ name: "eth0", sandbox: "/x" }], ips };
    return this.add(type, `[ "$CNI_COMMAND" != ADD ] || echo '${JSON.stringify(result)}'`);
  }

  get calls(): SeenCall[] {
    if (!existsSync(this.#log)) return [];
    return readFileSync(this.#log, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [type = "", command = "", containerId = "", netns = "", ifname = "", args = "", config = "{}"] =
          line.split("\t");
        return { type, command, containerId, netns, ifname, args, config: JSON.parse(config) };
      });
  }

  /** `TYPE COMMAND`, in the order of the calls. */
  get order(): string[] {
    return this.calls.map(({ type, command }) => `${type} ${command}`);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.directory, "calls");
  }
}
