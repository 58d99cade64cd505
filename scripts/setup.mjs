// Makes a machine ready for lichen: packages, Node modules (Node 24 among them), build, an unprivileged user, /dev/net/tun, cgroups.
//   node scripts/setup.mjs      as root: does it; as a plain user: does what needs no privilege and prints the command for the rest
// Plain JavaScript without dependencies: it runs on whatever Node (>= 18) there is. start.mjs and test.mjs use `prepare` too.
import { chmodSync, existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildAll, buildNativeTests, installModules } from "./setup/checkout.mjs";
import { fail, run, SetupError, step, yellow } from "./setup/console.mjs";
import { allowUserNamespaces } from "./setup/namespaces.mjs";
import { installPackages, missingPackages, packageNames } from "./setup/packages.mjs";
import { fromRoot, fromUser, launcherPlaces } from "./setup/run-as.mjs";
import { ensureRuntimeDirectory, missingIds, ownAccount, pickUser } from "./setup/users.mjs";

const tun = "/dev/net/tun";
/** udev makes it so on most machines; without it a pod has no way out to the network. */
const tunUsable = () => !existsSync(tun) || (statSync(tun).mode & 0o006) === 0o006;

async function prepareAsRoot(purposes) {
  await step("packages", async () => {
    const missing = missingPackages(purposes);
    if (missing.length === 0) return "all there";
    return `installed ${(await installPackages(missing)).join(", ")}`;
  });
  const user = await pickUser();
  const runtimeDirectory = ensureRuntimeDirectory(user);
  await step("unprivileged user", async () => {
    const done = [];
    const ids = missingIds(user);
    if (ids.length > 0) {
      await run("usermod", [...ids, user.name]);
      done.push("given subordinate ids");
    }
    if (!tunUsable()) {
      chmodSync(tun, 0o666);
      done.push(`${tun} made usable`);
    }
    done.push(...(await allowUserNamespaces(launcherPlaces())));
    return [`${user.name} (uid ${user.uid})`, ...done].join(", ");
  });
  return { user, runtimeDirectory };
}

/** Says what an administrator must do, in one command, and stops only when lichen cannot be built without it. */
function prepareAsUser(purposes) {
  const missing = missingPackages(purposes);
  const ids = missingIds(ownAccount());
  const commands = [];
  if (packageNames(missing).length > 0) {
    commands.push(
      `apt-get update && apt-get install -y --no-install-recommends ${packageNames(missing).join(" ")}`,
    );
  }
  if (ids.length > 0) commands.push(`usermod ${ids.join(" ")} ${ownAccount().name}`);
  if (!tunUsable()) commands.push(`chmod 0666 ${tun}`);
  if (commands.length === 0) return;
  const command = `sudo sh -c '${commands.join(" && ")}'`;
  const essential = missing.filter((entry) => entry.needed);
  if (essential.length > 0) {
    const reasons = essential.map((entry) => `${entry.names[0]} (${entry.needed})`);
    throw new SetupError(`missing: ${reasons.join(", ")}`, `an administrator has to run: ${command}`);
  }
  console.log(
    `${yellow("!")} works, but with less than it could; an administrator can mend that with: ${command}`,
  );
}

/**
 * Makes the machine ready and gives the place to run lichen's programs in, for `runProgram`.
 * `purposes`: `image` (the offline trial image), `test` (tests of the C++ core as well), `lint` (the tools of `npm run lint`),
 * `conformance` (critest and its images), `vm` (the disks of the VM).
 */
export async function prepare(purposes = []) {
  if (process.platform !== "linux") throw new SetupError("lichen runs on Linux only");
  // What is made here must be readable for the unprivileged user, whatever root's own umask is.
  process.umask(0o022);
  const root = process.getuid() === 0;
  const made = root ? await prepareAsRoot(purposes) : prepareAsUser(purposes);
  await step("Node modules", installModules);
  await step("build", buildAll);
  if (purposes.includes("test")) await step("build of the native tests", buildNativeTests);
  return made ? fromRoot(made.user, made.runtimeDirectory) : fromUser(ownAccount());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  prepare(["test", "image", "lint"]).then(
    ({ user }) => console.log(`ready; lichen runs as ${user.name} (uid ${user.uid})`),
    fail,
  );
}
