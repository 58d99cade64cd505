// One life of the VM: from its start to the end of its job.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Image } from "./image.ts";
import type { Qemu } from "./qemu.ts";

/** What confines processes beyond the usual: AppArmor, or SELinux, enforcing, with the policy of selinux.cil. */
export const securityModules = ["apparmor", "selinux"] as const;
export type SecurityModule = (typeof securityModules)[number];

export interface BootOptions {
  qemu: Qemu;
  image: Image;
  /** The job's disk. */
  job: string;
  /** Which of the two the kernel starts with; there can be only one of them. */
  security: SecurityModule;
  /** Where the console's log and the exit status go; it must exist. */
  directory: string;
  /** QEMU's accelerator: `tcg` works everywhere, `kvm` is faster where /dev/kvm works. */
  accelerator: string;
  limitMinutes: number;
  /** What the job prints, as it comes. */
  onOutput: (text: string) => void;
}

const megabytes = 3072;
const cpus = 2;

/** QEMU's command line behind its prefix. */
export function bootArguments({ image, job, directory, accelerator, security }: BootOptions): string[] {
  const kernel = [
    `root=${image.rootPartition} rw console=ttyS0 quiet panic=-1`,
    // Nothing here is secret, and mitigations cost under emulation as well.
    "mitigations=off systemd.show_status=0 systemd.getty_auto=0 net.ifnames=0",
    `security=${security}`,
  ].join(" ");
  const disk = (id: string, file: string, options: string) => [
    ...["-drive", `if=none,id=${id},file=${file},format=raw,${options}`],
    ...["-device", `nvme,drive=${id},serial=${id}`],
  ];
  const port = (id: string, device: string) => [
    ...[
      "-chardev",
      id === "output" ? "stdio,id=output,signal=off" : `file,id=${id},path=${join(directory, id)}`,
    ],
    ...["-device", `${device},chardev=${id}`],
  ];
  return [
    ...["-machine", "q35", "-accel", accelerator === "tcg" ? "tcg,thread=multi" : accelerator, "-cpu", "max"],
    ...["-smp", String(cpus), "-m", String(megabytes), "-nodefaults", "-display", "none", "-no-reboot"],
    ...["-kernel", image.kernel, "-append", kernel],
    ...disk("root", image.disk, "snapshot=on"),
    ...disk("job", job, "readonly=on"),
    ...["-serial", `file:${join(directory, "console.log")}`],
    ...["-device", "virtio-serial-pci"],
    ...port("output", "virtconsole"),
    ...port("status", "virtserialport,name=lichen.status"),
    // A way out as machines have one, which leads nowhere.
    ...["-netdev", "user,id=wired,restrict=on", "-device", "virtio-net-pci,netdev=wired,romfile="],
  ];
}

/** Runs the VM to its end and gives its job's exit status. Fails when there is none: the VM did not come to run it, or took too long. */
export async function boot(options: BootOptions): Promise<number> {
  const { qemu, directory } = options;
  const log = openSync(join(directory, "qemu.log"), "w");
  try {
    const ended = await new Promise<string>((resolve, reject) => {
      const child = spawn(qemu.program, [...qemu.prefix, ...bootArguments(options)], {
        env: { ...process.env, ...qemu.env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stdout
        .setEncoding("utf8")
        .on("data", (text: string) => options.onOutput(text.replaceAll("\r\n", "\n")));
      child.stderr.on("data", (bytes: Buffer) => writeSync(log, bytes));
      const limit = setTimeout(() => child.kill("SIGKILL"), options.limitMinutes * 60_000);
      child.on("error", reject);
      child.on("close", (status, signal) => {
        clearTimeout(limit);
        resolve(signal ?? `status ${status}`);
      });
    });
    const status = join(directory, "status");
    const said = existsSync(status) ? readFileSync(status, "utf8").trim() : "";
    if (/^\d+$/.test(said)) return Number(said);
    const words = ["qemu.log", "console.log"].map((name) => lastLines(join(directory, name)));
    throw new Error(`the VM ended (QEMU: ${ended}) without its job's exit status\n${words.join("\n")}`);
  } finally {
    closeSync(log);
  }
}

function lastLines(path: string): string {
  if (!existsSync(path)) return "";
  return readFileSync(path, "utf8").trimEnd().split("\n").slice(-30).join("\n");
}
