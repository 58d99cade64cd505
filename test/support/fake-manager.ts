// Stands in for a user's systemd where there is none: real cgroups, made and removed on request over D-Bus.
//   fake-manager.ts CGROUP SOCKET     CGROUP: directory of the cgroup in which its units are to be; it moves to the leaf init.scope there
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { slicePath } from "../../src/resources/slices.ts";
import { kinds } from "../../src/resources/systemd/message.ts";
import { answer, FakeSystemd, jobRemoved } from "./fake-systemd.ts";

const [root = "", socket = ""] = process.argv.slice(2);
const scopes = new Map<string, string>();
let jobs = 0;

const populated = (scope: string) =>
  /^populated 1$/m.test(readFileSync(join(scope, "cgroup.events"), "utf8"));

function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  rmdirSync(directory);
}

function start(name: string, properties: [string, { value: unknown }][]): void {
  const of = Object.fromEntries(properties.map(([key, { value }]) => [key, value]));
  const scope = join(root, slicePath(String(of.Slice)), name);
  mkdirSync(scope, { recursive: true });
  scopes.set(name, scope);
  for (const pid of of.PIDs as number[]) writeFileSync(join(scope, "cgroup.procs"), String(pid));
}

mkdirSync(join(root, "init.scope"), { recursive: true });
writeFileSync(join(root, "init.scope/cgroup.procs"), "0");
await FakeSystemd.listen(socket, (call, send) => {
  const [name, , properties] = call.body as [string, string, [string, { value: unknown }][]];
  const job = `/org/freedesktop/systemd1/job/${++jobs}`;
  const scope = scopes.get(name);
  if (call.member === "StopUnit" && scope === undefined) {
    const errorName = "org.freedesktop.systemd1.NoSuchUnit";
    send({ kind: kinds.error, replySerial: call.serial, errorName, signature: "s", body: ["not loaded"] });
    return;
  }
  if (call.member === "StartTransientUnit") start(name, properties);
  else if (scope !== undefined) removeTree(scope);
  if (call.member === "StopUnit") scopes.delete(name);
  send(answer(call, "o", [job]));
  send(jobRemoved(job, name, "done"));
});
// As systemd does with a scope that is empty.
setInterval(() => {
  for (const [name, scope] of scopes) {
    if (existsSync(scope) && populated(scope)) continue;
    scopes.delete(name);
    if (existsSync(scope)) removeTree(scope);
  }
}, 50);
console.log("ready");
