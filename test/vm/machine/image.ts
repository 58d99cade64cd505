// The VM's disk: Debian trixie with systemd, an unprivileged user and AppArmor, and its kernel beside it.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../conformance/command.ts";
import { machineSources } from "../../conformance/packages.ts";
import { made } from "../../conformance/workshop.ts";
import { vmWorkshop } from "./place.ts";

export interface Image {
  kernel: string;
  disk: string;
  /** What the kernel finds its root by: the order in which it finds disks differs from boot to boot. */
  rootPartition: string;
}

const release = "trixie";
/** systemd and a session for the user; what lichen needs at run time; what the tests look with. */
const packages = [
  ...[
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus-user-session",
    "libpam-systemd",
    "kmod",
    "procps",
    "passwd",
    "sudo",
  ],
  ...["uidmap", "passt", "slirp4netns", "libstdc++6", "ca-certificates"],
  ...["apparmor", "secilc", "iproute2", "nftables", "busybox-static"],
];
const diskSignature = 0x6c696368;
const firstSector = 2048;
const sectorSize = 512;
const recipeFile = join(import.meta.dirname, "customize.sh");
const policyFile = join(import.meta.dirname, "selinux.cil");

/**
 * A master boot record (its 512 bytes) with one Linux partition from `first` for `count` sectors. The kernel calls it by the
 * disk's signature, `PARTUUID=SIGNATURE-01`.
 */
export function masterBootRecord(signature: number, first: number, count: number): Buffer {
  const record = Buffer.alloc(sectorSize);
  record.writeUInt32LE(signature, 440);
  const entry = 446;
  // Cylinders, heads and sectors are out of range: only the linear numbers count.
  record.fill(0xff, entry + 1, entry + 8);
  record.writeUInt8(0x83, entry + 4);
  record.writeUInt32LE(first, entry + 8);
  record.writeUInt32LE(count, entry + 12);
  record.writeUInt16LE(0xaa55, 510);
  return record;
}

/** The mirror that this machine takes Debian from; Debian's own where it is another distribution. */
function mirror(): string {
  const debian = machineSources().find(({ uri }) => /\/debian\/?$/.test(uri));
  return debian?.uri ?? "http://deb.debian.org/debian";
}

/** Makes the disk when its recipe has changed (a minute), which takes root. */
export async function makeImage(): Promise<Image> {
  const texts = [recipeFile, policyFile].map((file) => readFileSync(file, "utf8"));
  const recipe = [release, ...packages, ...texts, masterBootRecord.toString()];
  const directory = await made("image", recipe, build, vmWorkshop);
  const signature = diskSignature.toString(16).padStart(8, "0");
  return {
    kernel: join(directory, "vmlinuz"),
    disk: join(directory, "disk.img"),
    rootPartition: `PARTUUID=${signature}-01`,
  };
}

async function build(into: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      "making the VM's disk takes root, once: an administrator has to run `npm run test:vm` in this checkout",
    );
  }
  const hook = `sh "${recipeFile}" "$1" "${into}" ${firstSector * sectorSize}`;
  await run("mmdebstrap", [
    ...["--variant=essential", "--format=null", `--include=${packages.join(",")}`],
    ...[`--customize-hook=${hook}`, release, "/dev/null", mirror()],
  ]);
  const disk = openSync(join(into, "disk.img"), "r+");
  const sectors = (3 * 1024 ** 3) / sectorSize;
  writeSync(disk, masterBootRecord(diskSignature, firstSector, sectors), 0, sectorSize, 0);
  closeSync(disk);
}
