// Switches of the machine that keep an unprivileged user from making user namespaces, without which there is no container.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { run } from "./console.mjs";

const clone = "/proc/sys/kernel/unprivileged_userns_clone";
const apparmor = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
const profileFile = "/etc/apparmor.d/lichen-launcher";

const reads = (file, value) => existsSync(file) && readFileSync(file, "utf8").trim() === value;

/** The profile that Ubuntu itself ships for bwrap, podman and others: it grants nothing but `userns`. */
const profile = (executables) => `abi <abi/4.0>,
include <tunables/global>
profile lichen-launcher "{${executables.join(",")}}" flags=(unconfined) {
  userns,
}
`;

/**
 * Lets these executables make user namespaces where Debian's old switch is off, or where Ubuntu (since 23.10) takes the capabilities
 * away from the namespaces of programs without an AppArmor profile. Needs root. Says what was changed.
 */
export async function allowUserNamespaces(executables) {
  const done = [];
  if (reads(clone, "0")) {
    writeFileSync(clone, "1");
    done.push("user namespaces switched on until the next boot");
  }
  const wanted = profile(executables);
  if (reads(apparmor, "1") && !(existsSync(profileFile) && readFileSync(profileFile, "utf8") === wanted)) {
    writeFileSync(profileFile, wanted);
    await run("apparmor_parser", ["-r", profileFile]);
    done.push(`AppArmor profile ${profileFile} for lichen-launcher`);
  }
  return done;
}
