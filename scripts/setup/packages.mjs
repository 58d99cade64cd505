// The Debian and Ubuntu packages that lichen is built with and runs with, and how each is recognised when it is there.
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, SetupError } from "./console.mjs";

/** The full path of `program`, looked for in PATH and in the sbin folders that a plain user's PATH often lacks. */
export function findProgram(program) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Debian's plain `busybox` is linked dynamically and cannot be a container's only file. */
function staticBusybox() {
  const path = findProgram("busybox");
  if (!path) return false;
  const content = readFileSync(path);
  return !content.includes("/ld-linux") && !content.includes("/ld-musl");
}

const compiler = "building needs it";

/** Where packages are unpacked that would start a service when installed. */
const programsBeside = "/var/cache/lichen-test/programs";

/**
 * `needed` says what does not work without it; packages without `needed` are helpful but not essential. `beside`: unpacked beside
 * the system, not installed.
 */
const packages = [
  { names: ["g++"], present: () => findProgram("g++"), needed: compiler },
  { names: ["make"], present: () => findProgram("make"), needed: compiler },
  { names: ["python3"], present: () => findProgram("python3"), needed: compiler },
  { names: ["libseccomp-dev"], present: () => existsSync("/usr/include/seccomp.h"), needed: compiler },
  {
    names: ["nlohmann-json3-dev"],
    present: () => existsSync("/usr/include/nlohmann/json.hpp"),
    needed: compiler,
  },
  {
    names: ["doctest-dev"],
    present: () => existsSync("/usr/include/doctest/doctest.h"),
    for: "test",
    needed: "the tests of the C++ core are written with it",
  },
  {
    names: ["openssl"],
    present: () => findProgram("openssl"),
    for: "test",
    needed: "certificates for the tests of registries are made with it",
  },
  {
    names: ["iproute2"],
    present: () => findProgram("ip"),
    for: "test",
    needed: "tests look at networks with it",
  },
  {
    names: ["containernetworking-plugins"],
    present: () => ["/usr/lib/cni", "/opt/cni/bin"].some((folder) => existsSync(join(folder, "bridge"))),
    for: "test",
  },
  {
    names: ["clang-format"],
    present: () => findProgram("clang-format"),
    for: "lint",
    needed: "the form of the C++ sources is checked with it",
  },
  // Runtime, registry and tools of others, for tests that compare containers, pull what they pushed and read what lichen saved.
  { names: ["crun"], present: () => findProgram("crun"), for: "test" },
  { names: ["skopeo"], present: () => findProgram("skopeo"), for: "test" },
  { names: ["umoci"], present: () => findProgram("umoci"), for: "test" },
  {
    names: ["docker-registry"],
    present: () =>
      findProgram("docker-registry") || existsSync(join(programsBeside, "usr/bin/docker-registry")),
    for: "test",
    beside: true,
  },
  { names: ["uidmap"], present: () => findProgram("newuidmap") },
  // The first name that the machine's package lists know is taken; either program is enough.
  { names: ["passt", "slirp4netns"], present: () => findProgram("pasta") || findProgram("slirp4netns") },
  {
    names: ["slirp4netns"],
    present: () => findProgram("slirp4netns"),
    for: "test",
  },
  {
    names: ["busybox-static"],
    present: staticBusybox,
    for: "image",
    needed: "the image for trying lichen offline is made from it",
  },
  {
    names: ["mmdebstrap"],
    present: () => findProgram("mmdebstrap"),
    for: "vm",
    needed: "the VM's disk is made with it",
  },
  {
    names: ["e2fsprogs"],
    present: () => findProgram("mke2fs"),
    for: "vm",
    needed: "the VM's disks are made with it",
  },
  {
    names: ["dpkg-dev"],
    present: () => findProgram("dpkg-source"),
    for: "conformance",
    needed: "the conformance images are built from source packages",
  },
];

/** What is missing for `purposes` (`test`, `image`, `conformance`, `vm`; building and running always count). */
export function missingPackages(purposes) {
  return packages.filter((entry) => (!entry.for || purposes.includes(entry.for)) && !entry.present());
}

/** The package names to install for what is missing, without asking apt: the first of the alternatives. */
export const packageNames = (missing) =>
  missing.filter((entry) => !entry.beside).map((entry) => entry.names[0]);

async function known(name) {
  return (await run("apt-cache", ["show", "--no-all-versions", name]).catch(() => "")) !== "";
}

/** Installs what is missing by apt; needs root. Gives the names of what it installed. */
export async function installPackages(missing) {
  if (!findProgram("apt-get")) {
    throw new SetupError(
      `missing: ${packageNames(missing).join(", ")}`,
      "install the packages that carry these Debian packages' contents with this system's package manager, then start again",
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update"], { env });
  const names = [];
  const beside = [];
  for (const entry of missing) {
    const chosen = await firstKnown(entry.names);
    // What is only helpful need not exist everywhere; what is needed lets apt say what it lacks.
    if (chosen ?? entry.needed) (entry.beside ? beside : names).push(chosen ?? entry.names[0]);
  }
  if (names.length > 0) await run("apt-get", ["install", "-y", "--no-install-recommends", ...names], { env });
  if (beside.length > 0) await unpackBeside(beside);
  return [...names, ...beside];
}

async function firstKnown(names) {
  for (const name of names) if (await known(name)) return name;
  return undefined;
}

/** Fetches packages and unpacks them into a folder that everybody may read; nothing of them is configured or started. */
async function unpackBeside(names) {
  const directory = mkdtempSync(join(tmpdir(), "lichen-packages-"));
  try {
    await run("apt-get", ["-o", "APT::Sandbox::User=root", "download", ...names], { cwd: directory });
    mkdirSync(programsBeside, { recursive: true });
    for (const file of readdirSync(directory))
      await run("dpkg-deb", ["-x", join(directory, file), programsBeside]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
