// critest and crictl, and a client of Kubernetes' own streaming code, built from the Go module in tools/: its go.mod and go.sum decide
// every byte of source.
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { Packages } from "./packages.ts";
import { checkout, made } from "./workshop.ts";

const module = join(checkout, "test/conformance/tools");
const source = "sigs.k8s.io/cri-tools";

/** The oldest Go (1.x) that fetches by itself the newer release which go.mod names. */
const oldestMinor = 21;

/** The minor number in the answer of `go version`: 26 for `go version go1.26.2 linux/amd64`; 0 for none. */
export function goMinor(version: string): number {
  return Number(/\bgo1\.(\d+)/.exec(version)?.[1] ?? 0);
}

/** The newest of packages named like golang-1.23-go, if it is new enough. */
export function newestGo(names: readonly string[]): string | undefined {
  const minors = names.flatMap((name) => /^golang-1\.(\d+)-go$/.exec(name)?.[1] ?? []).map(Number);
  const newest = Math.max(0, ...minors);
  return newest >= oldestMinor ? `golang-1.${newest}-go` : undefined;
}

/** The `go` command: the machine's own when it is new enough, else one from its distribution's packages, unpacked in the workshop. */
async function goCommand(): Promise<string> {
  const own = await run("go", ["version"]).catch(() => "");
  if (goMinor(own) >= oldestMinor) return "go";
  const unpacked = await made("go", [newestGo.toString()], async (into) => {
    await using packages = await Packages.open({ backports: true });
    const name = newestGo(await packages.names("golang-1."));
    if (!name) {
      throw new Error(
        `critest is built with Go 1.${oldestMinor} or newer: there is none in PATH and none in this release's packages or ` +
          "backports; install Go and start again",
      );
    }
    await packages.unpack([name], into);
  });
  const libraries = join(unpacked, "usr/lib");
  const folder = (await readdir(libraries)).find((name) => name.startsWith("go-1."));
  return join(libraries, folder ?? "", "bin/go");
}

// Static executables: they run in whatever root file system the tests are started in.
const env = { CGO_ENABLED: "0", GOTOOLCHAIN: "auto", GOFLAGS: "-mod=readonly", GOWORK: "off" };
const options = { cwd: module, env };

/** Builds what is not built yet (two minutes, the first time) and gives the folder with `critest`, `crictl` and `streamclient`. */
export async function conformanceTools(): Promise<string> {
  const recipe = ["go.mod", "go.sum", "streamclient/main.go", "streamclient/measure.go"].map((name) =>
    readFileSync(join(module, name), "utf8"),
  );
  const version = new RegExp(`${source} v(\\S+)`).exec(recipe.join())?.[1] ?? "unknown";
  const flags = ["-trimpath", `-ldflags=-s -w -X ${source}/pkg/version.Version=${version}`];
  return made("bin", [...recipe, process.arch, ...flags], async (into) => {
    const go = await goCommand();
    await run(go, ["build", ...flags, "-o", join(into, "crictl"), `${source}/cmd/crictl`], options);
    await run(go, ["build", ...flags, "-o", join(into, "streamclient"), "./streamclient"], options);
    await run(go, ["test", "-c", ...flags, "-o", join(into, "critest"), `${source}/cmd/critest`], options);
  });
}

/** Builds what benchmarks measure beside runtimes, if it is not built yet, and gives the folder with `floor`. */
export async function floorServer(): Promise<string> {
  const recipe = ["go.mod", "go.sum", "floor/main.go"].map((name) =>
    readFileSync(join(module, name), "utf8"),
  );
  return made("floor", [...recipe, process.arch], async (into) => {
    const flags = ["-trimpath", "-ldflags=-s -w"];
    await run(await goCommand(), ["build", ...flags, "-o", join(into, "floor"), "./floor"], options);
  });
}
