// nginx from the distribution's package, with exactly the libraries it is linked to.
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { hostPlatform } from "../../fixtures/image.ts";
import { type BuiltLayer, buildLayer, type LayerEntry } from "../../fixtures/image-layer.ts";
import { run } from "../command.ts";
import { Packages } from "../packages.ts";
import { made } from "../workshop.ts";
import { type ConformanceImage, endToEnd, staging } from "./model.ts";

/** nginx of upstream's images, as far as specs see it: its pid file, its process title, and a page on its port. */
const configuration = (port: number) => `user root;
worker_processes 1;
pid /var/run/nginx.pid;
error_log /dev/stderr notice;
events {
  worker_connections 128;
}
http {
  access_log /dev/stdout;
  server {
    listen ${port};
    location / {
      root /usr/share/nginx/html;
    }
  }
}
`;

const page = "<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<p>nginx is serving.</p>\n";

/** Every library below `root` by its file name: files, and the symlinks that stay within. */
function libraries(root: string): Map<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => entry.name.includes(".so") && !entry.isDirectory())
    .map((entry) => [entry.name, join(entry.parentPath, entry.name)] as const)
    .filter(([, path]) => !lstatSync(path).isSymbolicLink() || !isAbsolute(readlinkSync(path)));
  return new Map(found);
}

/** What an ELF file's dynamic section says it needs, and the program interpreter it asks for ("" for a library). */
async function linkage(path: string): Promise<{ needed: string[]; interpreter: string }> {
  const text = await run("readelf", ["--wide", "--dynamic", "--program-headers", path]);
  return {
    needed: [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1] ?? ""),
    interpreter: /interpreter: ([^\]]+)\]/.exec(text)?.[1] ?? "",
  };
}

/** Leaves in `into` nginx, the folder `lib` with every library it needs, directly or not, and the path of its interpreter. */
async function collect(into: string): Promise<void> {
  const unpacked = join(into, "packages");
  mkdirSync(join(into, "lib"), { recursive: true });
  {
    await using packages = await Packages.open();
    await packages.unpack(["nginx-light"], unpacked);
  }
  const known = libraries(unpacked);
  const program = join(unpacked, "usr/sbin/nginx");
  copyFileSync(program, join(into, "nginx"));
  writeFileSync(join(into, "interpreter"), (await linkage(program)).interpreter);
  const waiting = [program];
  const copied = new Set<string>();
  for (let path = waiting.pop(); path; path = waiting.pop()) {
    for (const name of (await linkage(path)).needed) {
      if (copied.has(name)) continue;
      const library = known.get(name);
      if (!library) throw new Error(`nginx needs ${name}, which none of the packages has`);
      copied.add(name);
      copyFileSync(library, join(into, "lib", name));
      waiting.push(library);
    }
  }
  rmSync(unpacked, { recursive: true });
}

/** All libraries go to /lib, where every interpreter looks, whatever folder the distribution keeps them in. */
async function nginxLayer(): Promise<BuiltLayer> {
  const built = await made("nginx", [libraries, linkage, collect].map(String), collect);
  const interpreter = (await readFile(join(built, "interpreter"), "utf8")).slice(1);
  const inLib = `lib/${basename(interpreter)}`;
  const entries: LayerEntry[] = [
    { name: "usr/sbin/nginx", content: await readFile(join(built, "nginx")), mode: 0o755 },
    { name: "usr/share/nginx/html/index.html", content: page },
    ...["run/", "var/log/nginx/", "var/lib/nginx/"].map((name) => ({ name })),
  ];
  for (const name of readdirSync(join(built, "lib"))) {
    entries.push({ name: `lib/${name}`, content: await readFile(join(built, "lib", name)), mode: 0o755 });
  }
  if (interpreter !== inLib) entries.push({ name: interpreter, type: "symlink", linkname: `/${inLib}` });
  return buildLayer(entries);
}

export async function nginxImages(base: BuiltLayer): Promise<ConformanceImage[]> {
  const layer = await nginxLayer();
  const image = async (name: string, port: number): Promise<ConformanceImage> => ({
    names: [name],
    layers: [base, layer, await buildLayer([{ name: "etc/nginx/nginx.conf", content: configuration(port) }])],
    settings: { Cmd: ["nginx", "-g", "daemon off;"], ExposedPorts: { [`${port}/tcp`]: {} } },
  });
  return [
    await image(endToEnd("nginx:1.14-2"), 80),
    // For pods in the host's network, where port 80 may be another's.
    await image(staging(`hostnet-nginx-${hostPlatform().architecture}:latest`), 12003),
  ];
}
