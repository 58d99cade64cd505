// Packages and sources of the machine's own distribution, fetched and unpacked beside the system: with an apt state of our own, so that
// neither the machine's package sources nor its installed packages change, and no privilege is needed.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { workshop } from "./workshop.ts";

/** One entry of apt's sources, as sources.list(5) describes it. */
export interface PackageSource {
  uri: string;
  suites: string[];
  components: string[];
  /** Path of the keyring, where the entry names one. */
  signedBy?: string;
}

/** Entries of the one-line form: `deb [signed-by=KEY] URI SUITE COMPONENT…`. */
export function parseSourcesList(text: string): PackageSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (!match) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /signed-by=(\S+)/.exec(options)?.[1];
    return [
      { uri, suites: [suite], components: components.trim().split(/\s+/), ...(signedBy && { signedBy }) },
    ];
  });
}

/** Entries of the deb822 form: stanzas with Types, URIs, Suites, Components and Signed-By. */
export function parseDeb822(text: string): PackageSource[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, "im").exec(stanza)?.[1]?.trim() ?? "";
    const words = (name: string) => field(name).split(/\s+/).filter(Boolean);
    if (!words("Types").includes("deb") || field("Enabled").toLowerCase() === "no") return [];
    const signedBy = field("Signed-By");
    return words("URIs").map((uri) => ({
      uri,
      suites: words("Suites"),
      components: words("Components"),
      // A key written into the stanza itself instead of a path: apt's other keyrings must do.
      ...(signedBy.startsWith("/") && { signedBy }),
    }));
  });
}

/** Every entry of the machine's own sources. */
export function machineSources(): PackageSource[] {
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return ["/etc/apt/sources.list", ...files].filter(existsSync).flatMap((file) => {
    if (file.endsWith(".sources")) return parseDeb822(readFileSync(file, "utf8"));
    return file.endsWith(".list") ? parseSourcesList(readFileSync(file, "utf8")) : [];
  });
}

/** The release's name, such as `bookworm`, by os-release(5). */
function codename(): string {
  return /^VERSION_CODENAME="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "stable";
}

/** apt-get and apt-cache with lists, archives and a record of installed packages (none) of their own. */
export class Packages {
  readonly #directory: string;
  readonly #options: string[];

  private constructor(directory: string, options: string[]) {
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * Fetches the package lists of the machine's release, and of its backports when asked for, from the mirror the machine uses.
   * Fails when no source of the machine carries its own release.
   */
  static async open({ backports = false } = {}): Promise<Packages> {
    const release = codename();
    const source = machineSources().find(({ suites }) => suites.includes(release));
    if (!source) {
      throw new Error(`no source in /etc/apt carries ${release}: the test images are made from its packages`);
    }
    mkdirSync(workshop, { recursive: true });
    const directory = mkdtempSync(join(workshop, "apt-"));
    for (const folder of ["state/lists/partial", "cache/archives/partial", "none"]) {
      mkdirSync(join(directory, folder), { recursive: true });
    }
    writeFileSync(join(directory, "status"), "");
    const lines = [
      "Types: deb deb-src",
      `URIs: ${source.uri}`,
      `Suites: ${release}${backports ? ` ${release}-backports` : ""}`,
      `Components: ${source.components.join(" ")}`,
      ...(source.signedBy ? [`Signed-By: ${source.signedBy}`] : []),
    ];
    writeFileSync(join(directory, "machine.sources"), `${lines.join("\n")}\n`);
    const options = {
      "Dir::Etc::sourcelist": join(directory, "machine.sources"),
      "Dir::Etc::sourceparts": join(directory, "none"),
      "Dir::State": join(directory, "state"),
      "Dir::State::status": join(directory, "status"),
      "Dir::State::lists": join(directory, "state/lists"),
      "Dir::Cache": join(directory, "cache"),
      // The folder need not be readable for apt's own user.
      "APT::Sandbox::User": "",
      // Nothing is installed, so no lock of the system's package manager is wanted.
      "Debug::NoLocking": "1",
    };
    const packages = new Packages(
      directory,
      Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    );
    await run("apt-get", [...packages.#options, "-q", "update"]);
    return packages;
  }

  /**
   * Unpacks packages with everything they depend on into `directory`. `backports`: in their backported versions, where there are
   * such; the lists must have been fetched with them.
   */
  async unpack(names: readonly string[], directory: string, { backports = false } = {}): Promise<void> {
    const target = backports ? [`--target-release=${codename()}-backports`] : [];
    const install = ["--yes", "--download-only", "--no-install-recommends", ...target, "install", ...names];
    await run("apt-get", [...this.#options, "-q", ...install]);
    const archives = join(this.#directory, "cache/archives");
    for (const file of readdirSync(archives).filter((name) => name.endsWith(".deb"))) {
      await run("dpkg-deb", ["--extract", join(archives, file), directory]);
    }
  }

  /** Fetches the source package NAME, unpacked and with the distribution's patches, and gives its folder below `directory`. */
  async source(name: string, directory: string): Promise<string> {
    await run("apt-get", [...this.#options, "-q", "source", name], { cwd: directory });
    const folder = readdirSync(directory, { withFileTypes: true }).find((entry) => entry.isDirectory());
    if (!folder) throw new Error(`the source package ${name} has left no folder in ${directory}`);
    return join(directory, folder.name);
  }

  /** Names of known packages that begin with `prefix`. */
  async names(prefix: string): Promise<string[]> {
    return (await run("apt-cache", [...this.#options, "pkgnames", prefix])).split("\n").filter(Boolean);
  }

  /** Removes the lists, which are large. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
