// Runs a command as the unprivileged user, in a cgroup that this user may manage, at a place where the user can read the checkout.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { delegateSubtree, systemd } from "./cgroups.mjs";
import { node, root } from "./checkout.mjs";
import { SetupError } from "./console.mjs";

/** Where root shows a checkout to a user who cannot reach it, in a mount namespace of its own. */
const visiblePlace = "/run/lichen-checkout";
const wrapper = join(root, "scripts/setup/as-user.sh");

/** The paths that the launcher may be started by. */
export const launcherPlaces = () =>
  [root, visiblePlace].map((place) => join(place, "dist/bin/lichen-launcher"));

/** What passes from root's environment to the user's: nothing but what is about terminals, proxies, certificates and lichen. */
const passed =
  /^(LANG|LC_.*|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|CI|TZ|LICHEN_.*|(https?|no)_proxy|(HTTPS?|NO)_PROXY|SSL_CERT_.*|NODE_EXTRA_CA_CERTS)$/;

function userEnvironment(user, runtimeDirectory, checkout) {
  // npm's own folders lie in the checkout, where the user may not look.
  const path = (process.env.PATH ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
  const kept = Object.entries(process.env).filter(([name]) => passed.test(name));
  return {
    ...Object.fromEntries(kept),
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    XDG_RUNTIME_DIR: runtimeDirectory,
    PATH: [dirname(node).replace(root, checkout), ...path, "/usr/local/sbin", "/usr/sbin", "/sbin"].join(":"),
  };
}

/** Whether `user` can run what is in `checkout`, seen through `prefix` (the command line that leads there). */
function readable(prefix, checkout) {
  const [command, ...args] = [
    ...prefix,
    "sh",
    "-c",
    `cd "${checkout}" && cat package.json src/cli/*.ts && "${node.replace(root, checkout)}" -v`,
  ];
  return spawnSync(command, args, { stdio: "ignore", cwd: "/" }).status === 0;
}

/** The command line that leads root to where `user` can read the checkout: as it lies, else bind-mounted at a place of its own. */
function wayToCheckout(user) {
  const asUser = (cgroup, visible) => ["sh", wrapper, user.name, cgroup, root, visible];
  if (readable(asUser("-", "-"), root)) return { checkout: root, prefix: (cgroup) => asUser(cgroup, "-") };
  mkdirSync(visiblePlace, { recursive: true });
  chmodSync(visiblePlace, 0o755);
  const inNamespace = (cgroup) => [
    "unshare",
    "--mount",
    "--propagation",
    "slave",
    ...asUser(cgroup, visiblePlace),
  ];
  if (readable(inNamespace("-"), visiblePlace)) return { checkout: visiblePlace, prefix: inNamespace };
  throw new SetupError(
    `user ${user.name} cannot read ${root}, nor a bind mount of it`,
    `make it readable: chmod -R go+rX ${root}`,
  );
}

/** How to run things as `user` when we are root. */
export function fromRoot(user, runtimeDirectory) {
  const { checkout, prefix } = wayToCheckout(user);
  const line = systemd()
    ? ["systemd-run", "--scope", "--quiet", "-p", "Delegate=yes", "--", ...prefix("own")]
    : prefix(delegateSubtree(user) ?? "-");
  return { user, checkout, line, env: userEnvironment(user, runtimeDirectory, checkout) };
}

/** How to run things when we are that user ourselves: in a scope of the systemd user manager, where there is one. */
export function fromUser(user) {
  const manager = join(process.env.XDG_RUNTIME_DIR ?? "/nonexistent", "systemd/private");
  const line =
    systemd() && existsSync(manager)
      ? [
          "systemd-run",
          "--user",
          "--scope",
          "--quiet",
          "-p",
          "Delegate=yes",
          "--",
          "sh",
          wrapper,
          "-",
          "own",
          root,
          "-",
        ]
      : [];
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  return { user, checkout: root, line, env };
}

/**
 * Runs a program of the checkout (paths relative to it) on Node 24 as the user, with our terminal, and gives its exit status.
 * Interrupting from the keyboard reaches the program itself; we wait for it to tidy up.
 */
export function runProgram(place, args, env = {}) {
  const [command, ...rest] = [...place.line, node.replace(root, place.checkout), ...args];
  const child = spawn(command, rest, {
    cwd: place.line.length > 0 ? "/" : root,
    stdio: "inherit",
    env: { ...place.env, ...env },
  });
  const wait = () => {};
  process.on("SIGINT", wait);
  const forward = () => child.kill("SIGTERM");
  process.on("SIGTERM", forward);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      process.off("SIGINT", wait);
      process.off("SIGTERM", forward);
      resolve(signal ? 1 : status);
    });
  });
}
