import { parseArgs } from "node:util";
import packageJson from "../../package.json" with { type: "json" };
import { loadConfig } from "../config/load.ts";
import { readNodeReport } from "../config/node-report.ts";
import { resolvePaths } from "../config/paths.ts";
import { asLichenError } from "../errors.ts";
import { startDaemon } from "./daemon.ts";
import { endOnFault, openLog } from "./log.ts";
import { keepSmall } from "./memory.ts";

const usage = `usage: lichen-daemon [--config FILE] [--data-dir DIRECTORY] [--runtime-dir DIRECTORY]
Serves CRI. lichen-launcher starts it inside the namespaces it made; people start both with \`lichen serve\`.`;

/** Calls under way get this long to end when the daemon is asked to stop. */
const stopGraceMs = 2000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      config: { type: "string" },
      "data-dir": { type: "string" },
      "runtime-dir": { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const paths = resolvePaths(
    { config: values.config, dataDir: values["data-dir"], runtimeDir: values["runtime-dir"] },
    process.env,
    process.getuid?.() ?? 0,
  );
  const config = loadConfig(paths.configFile, { required: paths.configGiven });
  const log = openLog(config.log.level);
  endOnFault(log);
  const report = readNodeReport(paths.runtimeDir);
  const daemon = await startDaemon({ paths, config, report, version: packageJson.version, log });
  log.info({ socket: daemon.socket, ms: Math.round(performance.now()) }, "ready");
  for (const { code, message, hint } of report.warnings) log.warn({ code, hint }, message);

  keepSmall();
  const stop = (signal: NodeJS.Signals) => {
    log.info({ signal }, "stopping; pods run on");
    daemon.stop(stopGraceMs).then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

function fail(error: unknown): never {
  const failure = asLichenError(error);
  console.error(`lichen-daemon: ${failure.message}${failure.hint ? `\nhint: ${failure.hint}` : ""}`);
  process.exit(1);
}

await main().catch(fail);
