// Runs a shell command line:  shell.ts LINE
import { spawnSync } from "node:child_process";

process.exitCode = spawnSync("bash", ["-c", process.argv[2] ?? ""], { stdio: "inherit" }).status ?? 1;
