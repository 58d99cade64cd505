/** Fuzzing of the way from an archive to files: whatever comes, files or one LichenError, and nothing outside the layer's directory. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { LichenError } from "../../src/errors.ts";
import type { UnpackedLayer } from "../../src/image/layer/unpack.ts";
import { removeTree, settleLayer } from "../../src/native/layer.ts";
import { buildArchive, type LayerEntry, mendChecksums, sha256 } from "../fixtures/image-layer.ts";
import { scanTree } from "../support/tree-scan.ts";
import { unpackInto } from "../support/unpack.ts";

export interface FuzzOptions {
  /** An empty directory, best on a tmpfs. */
  scratch: string;
  seed: number;
  runs: number;
}

const part = fc.constantFrom("a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq", "n".repeat(256), "x\0y");
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const sparse = fc.record(
  {
    "GNU.sparse.map": fc.constantFrom("0,1", "1,2,3,4", "5,0", "0,7,3,1", "x", ""),
    "GNU.sparse.size": fc.constantFrom("7", "100", "1000000000000", "-1"),
    "GNU.sparse.major": fc.constantFrom("0", "1"),
    "GNU.sparse.minor": fc.constant("0"),
    "GNU.sparse.realsize": fc.constantFrom("7", "100000"),
    "GNU.sparse.name": name,
  },
  { requiredKeys: [] },
);
const entry: fc.Arbitrary<LayerEntry> = fc.record({
  name: fc.constantFrom("x", "y/"),
  type: fc.constantFrom("file", "directory", "symlink", "link", "fifo", "character-device"),
  linkname: fc.constantFrom("a", "b", "..", "/", "/etc", "a/b"),
  content: fc.constantFrom("", "content", "1\n0\n7\n"),
  mode: fc.nat(0o7777),
  pax: fc.oneof(
    { weight: 4, arbitrary: fc.record({ path: name }) },
    { weight: 1, arbitrary: fc.tuple(sparse, name).map(([records, path]) => ({ ...records, path })) },
  ),
});
const entries = fc.array(entry, { maxLength: 8 });

/** Layers of any entries, one on top of the other. */
export async function fuzzEntries({ scratch, seed, runs }: FuzzOptions): Promise<void> {
  const lab = new Lab(scratch);
  await fc.assert(
    fc.asyncProperty(entries, entries, async (below, above) => {
      const lower = await lab.survives("lower", await buildArchive(below));
      const upper = await lab.survives("upper", await buildArchive(above));
      if (lower !== undefined && upper !== undefined) lab.settles(upper);
    }),
    { numRuns: runs, seed },
  );
}

/** Archives of every form with damaged bytes, checksums mended or not, compressed or not, and damaged after compression. */
export async function fuzzBytes({ scratch, seed, runs }: FuzzOptions): Promise<void> {
  const lab = new Lab(scratch);
  const archives = await seedArchives();
  const longest = Math.max(...archives.map(({ length }) => length));
  const damage = (size: number) =>
    fc.array(fc.tuple(fc.nat(size - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  const form = fc.constantFrom("none", "gzip", "zstd");
  await fc.assert(
    fc.asyncProperty(
      fc.nat(archives.length - 1),
      damage(longest),
      fc.oneof({ weight: 3, arbitrary: fc.constant(longest) }, { weight: 1, arbitrary: fc.nat(longest) }),
      fc.boolean(),
      form,
      fc.option(damage(4096)),
      async (which, changes, end, mend, compression, spoil) => {
        const damaged = spoiled(Buffer.from((archives[which] ?? Buffer.alloc(0)).subarray(0, end)), changes);
        if (mend) mendChecksums(damaged);
        const blob =
          compression === "gzip"
            ? gzipSync(damaged)
            : compression === "zstd"
              ? zstdCompressSync(damaged)
              : damaged;
        await lab.survives("upper", damaged, spoil === null ? blob : spoiled(blob, spoil));
      },
    ),
    { numRuns: runs, seed },
  );
}

function spoiled(data: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  for (const [at, value] of changes) if (at < data.length) data[at] = value;
  return data;
}

const reproducible = ["--sort=name", "--mtime=@1000", "--owner=0", "--group=0", "--mode=u=rwX,go=rX"];

/** Small archives of every form that GNU tar writes, and one of ours. */
async function seedArchives(): Promise<Uint8Array[]> {
  const folder = mkdtempSync(join(tmpdir(), "lichen-fuzz-"));
  try {
    const fd = openSync(join(folder, "sparse"), "w");
    ftruncateSync(fd, 3_000_000);
    for (let i = 0; i < 8; i++) writeSync(fd, `part ${i}`, i * 300_000);
    closeSync(fd);
    mkdirSync(join(folder, "d".repeat(110)));
    const forms = [
      "--format=gnu",
      "--format=posix",
      "--format=posix --sparse-version=0.0",
      "--format=posix --sparse-version=0.1",
    ];
    const made = forms.map((form) =>
      execFileSync("tar", [
        "-C",
        folder,
        "--sparse",
        "-b1",
        ...reproducible,
        ...form.split(" "),
        "-cf",
        "-",
        ".",
      ]),
    );
    const own = await buildArchive([
      { name: "dir/", xattrs: { "user.note": "x" } },
      { name: "dir/file", content: "content", mtime: "5.5" },
      { name: "link", type: "symlink", linkname: "dir" },
      { name: "hard", type: "link", linkname: "dir/file" },
      { name: "dir/.wh.gone" },
    ]);
    return [own, ...made];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Directories for layers, with something beside them that must stay as it is. */
class Lab {
  readonly #scratch: string;
  readonly #outside: string[];
  readonly #descriptors: number;

  constructor(scratch: string) {
    this.#scratch = scratch;
    mkdirSync(join(scratch, "a"));
    this.#outside = this.#scan();
    this.#descriptors = readdirSync("/proc/self/fd").length;
  }

  #scan(): string[] {
    // Without the directory itself, whose time changes with the layers.
    return scanTree(this.#scratch, [this.path("lower"), this.path("upper")]).slice(1);
  }

  path(layer: string): string {
    return join(this.#scratch, layer);
  }

  /** Unpacks an archive whose digests are right, whatever is in it: only a LichenError may come out. */
  async survives(layer: string, archive: Uint8Array, blob = archive): Promise<UnpackedLayer | undefined> {
    const directory = this.path(layer);
    removeTree(directory);
    mkdirSync(directory);
    let unpacked: UnpackedLayer | undefined;
    try {
      unpacked = await unpackInto(
        directory,
        { blob, digest: sha256(blob), diffId: sha256(archive) },
        { chunk: 4000 },
      );
    } catch (error) {
      if (!(error instanceof LichenError)) throw error;
      assert.notEqual(error.code, "INTERNAL", error.message);
    }
    this.#untouched();
    return unpacked;
  }

  settles({ implied, whiteouts, opaque }: UnpackedLayer): void {
    const directory = this.path("upper");
    try {
      settleLayer({ directory, lower: [this.path("lower")], singleOwner: true, implied, whiteouts, opaque });
    } catch (error) {
      if (!(error instanceof LichenError)) throw error;
      assert.notEqual(error.code, "INTERNAL", error.message);
    }
    this.#untouched();
  }

  #untouched(): void {
    assert.deepEqual(this.#scan(), this.#outside);
    assert.equal(readdirSync("/proc/self/fd").length, this.#descriptors);
  }
}
