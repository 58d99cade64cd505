import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** Where an instance of lichen keeps its things; two instances with different paths do not know each other. */
export interface Paths {
  /** Sockets, node.json and the pods' run-time files; made with mode 0700, gone after a reboot. */
  runtimeDir: string;
  /** State database, layers, containers' file systems. */
  dataDir: string;
  configFile: string;
  /** Whether the configuration file was named on the command line: it must then exist. */
  configGiven: boolean;
  /** Registry mirrors and certificates, `<host>/hosts.toml` in containerd's form. */
  certsDir: string;
  /** Where the signature policy may be, unless the configuration names it (containers-policy.json(5)). */
  policyFiles: string[];
}

/** The flags that move them: `--runtime-dir`, `--data-dir`, `--config`. */
export interface PathFlags {
  runtimeDir?: string | undefined;
  dataDir?: string | undefined;
  config?: string | undefined;
}

/**
 * Flags first, then the XDG variables (https://specifications.freedesktop.org/basedir-spec/latest/), then their defaults.
 * XDG variables that are not absolute are ignored, as the specification asks. `uid` is the host's: it tells users without
 * XDG_RUNTIME_DIR apart.
 */
export function resolvePaths(flags: PathFlags, env: NodeJS.ProcessEnv, uid: number): Paths {
  const home = env.HOME || homedir();
  const xdg = (name: string, otherwise: string) => {
    const value = env[name];
    return value?.startsWith("/") ? join(value, "lichen") : otherwise;
  };
  const configFile = flags.config
    ? resolve(flags.config)
    : join(xdg("XDG_CONFIG_HOME", join(home, ".config/lichen")), "config.toml");
  return {
    runtimeDir: flags.runtimeDir ? resolve(flags.runtimeDir) : xdg("XDG_RUNTIME_DIR", `/tmp/lichen-${uid}`),
    dataDir: flags.dataDir ? resolve(flags.dataDir) : xdg("XDG_DATA_HOME", join(home, ".local/share/lichen")),
    configFile,
    configGiven: Boolean(flags.config),
    certsDir: join(dirname(configFile), "certs.d"),
    policyFiles: [
      join(dirname(xdg("XDG_CONFIG_HOME", join(home, ".config/lichen"))), "containers/policy.json"),
      "/etc/containers/policy.json",
    ],
  };
}

/** The CRI socket of the instance with this runtime directory. */
export function socketPath(runtimeDir: string): string {
  return join(runtimeDir, "lichen.sock");
}
