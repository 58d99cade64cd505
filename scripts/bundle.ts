// Bundles what runs on Node into dist/: one file an entry point, without node_modules. The addon stays outside (loaded
// through src/native/locate.ts).
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const root = dirname(import.meta.dirname);
const dist = join(root, "dist");
const entryPoints = {
  daemon: "src/daemon/main.ts",
  "unpack-worker": "src/image/unpack-worker.ts",
};

mkdirSync(dist, { recursive: true });
const options: BuildOptions = {
  absWorkingDir: root,
  outdir: dist,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  external: ["*.node"],
  // CommonJS packages inside an ES module bundle still call require for Node's own modules.
  banner: {
    js: 'import { createRequire as lichenRequire } from "node:module";\nconst require = lichenRequire(import.meta.url);',
  },
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: true,
  logLevel: "warning",
};
for (const old of globSync("cli-*.mjs", { cwd: dist })) rmSync(join(dist, old));
await Promise.all([
  build({ ...options, entryPoints }),
  // What a command imports when it runs is a file of its own: `lichen --help` reads neither gRPC nor the registry client.
  build({ ...options, entryPoints: { cli: "src/cli/main.ts" }, splitting: true, chunkNames: "cli-[hash]" }),
]);

const profile = "apparmor.d/lichen-default";
mkdirSync(dirname(join(dist, profile)), { recursive: true });
copyFileSync(join(root, "src/security", profile), join(dist, profile));

const wrapper = join(root, "bin/lichen");
if (existsSync(wrapper)) {
  copyFileSync(wrapper, join(dist, "lichen"));
  chmodSync(join(dist, "lichen"), 0o755);
}
