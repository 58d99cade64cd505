// The systemd user unit that runs the daemon.

export interface UnitOptions {
  /** The `lichen` command and the options that come before `serve`. */
  lichen: readonly string[];
  /** Options of `serve`. */
  options: readonly string[];
  /** systemd's release, which decides what a unit may ask for. */
  systemd: number;
}

/** DelegateSubgroup= came with this release. */
const subgroupRelease = 254;

/** A word of ExecStart= (systemd.service(5), "Command lines"): quoted, with `%` and `$` standing for themselves. */
export function quoteWord(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(plain)
    ? plain
    : `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The release in what `systemctl --version` prints; 0 for none. */
export function systemdRelease(version: string): number {
  return Number(/^systemd (\d+)/.exec(version)?.[1] ?? 0);
}

/**
 * The unit's text. Containers outlive it: a stop or restart ends the launcher and the daemon alone (KillMode=process). A unit whose
 * cgroup hands controllers to pods holds no process itself, so the launcher is started in a leaf of it; where systemd cannot do that, the
 * unit asks for no delegation, and the launcher moves to a scope of its own.
 */
export function serviceUnit({ lichen, options, systemd }: UnitOptions): string {
  const delegation = systemd >= subgroupRelease ? ["Delegate=yes", "DelegateSubgroup=launcher"] : [];
  return `${[
    "[Unit]",
    "Description=lichen, a Kubernetes container runtime that never needs root",
    "",
    "[Service]",
    `ExecStart=${[...lichen, "serve", ...options].map(quoteWord).join(" ")}`,
    "KillMode=process",
    ...delegation,
    "Restart=on-failure",
    "RestartSec=1",
    "TasksMax=infinity",
    "",
    "[Install]",
    "WantedBy=default.target",
  ].join("\n")}\n`;
}
