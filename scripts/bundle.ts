// Bundles what runs on Node into dist/: one file an entry point, without node_modules. The addon stays outside (loaded
// through src/native/locate.ts).
import { chmodSync, copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const root = dirname(import.meta.dirname);
const dist = join(root, "dist");
const entryPoints = {
  cli: "src/cli/main.ts",
  daemon: "src/daemon/main.ts",
  "unpack-worker": "src/image/unpack-worker.ts",
};

mkdirSync(dist, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(
    Object.entries(entryPoints).filter(([, file]) => existsSync(join(root, file))),
  ),
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
});

const wrapper = join(root, "bin/lichen");
if (existsSync(wrapper)) {
  copyFileSync(wrapper, join(dist, "lichen"));
  chmodSync(join(dist, "lichen"), 0o755);
}
