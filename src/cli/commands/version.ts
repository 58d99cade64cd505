import type { Command } from "commander";
import packageJson from "../../../package.json" with { type: "json" };
import { type GlobalOptions, withDaemon } from "../context.ts";
import { json, table } from "../output.ts";

/** The version of this program. */
export const clientVersion: string = packageJson.version;

/** `lichen version`: this program's and, when it runs, the daemon's. */
export function version(program: Command): void {
  program
    .command("version")
    .description("show the versions of this program and of the daemon")
    .action(async (_options: object, command: Command) => {
      const daemon = await daemonVersion(command);
      const { output } = command.optsWithGlobals<GlobalOptions>();
      const versions = { client: clientVersion, ...daemon };
      const rows = Object.entries(versions).map(([part, value]) => [part, value]);
      process.stdout.write(output === "json" ? json(versions) : table(["PART", "VERSION"], rows));
    });
}

async function daemonVersion(command: Command): Promise<{ daemon: string; api?: string }> {
  const found = { daemon: "not running" };
  try {
    await withDaemon(command, async ({ client }) => {
      const { runtimeVersion, runtimeApiVersion } = await client.version({});
      Object.assign(found, { daemon: runtimeVersion, api: runtimeApiVersion });
    });
  } catch {
    // No daemon to ask: that is an answer as well.
  }
  return found;
}
