// The unprivileged user that lichen runs as, and what the machine must give that user: subordinate ids, a runtime directory.
import { chownSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { run } from "./console.mjs";

/** Ids a user gets: pods with own user namespaces each take 65,536 of them. */
const wantedIds = 1_048_576;
const fewestIds = 65_536;

/** The account called `name`, or with that uid, from the user database (which may be more than /etc/passwd). */
export function account(name) {
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n").filter(Boolean);
  for (const line of accounts) {
    const [login, , uid, gid, , home] = line.split(":");
    if (login === name || uid === name) return { name: login, uid: Number(uid), gid: Number(gid), home };
  }
  return undefined;
}

/** The account this process belongs to; for a uid without an entry (as in some containers) what the environment says. */
export function ownAccount() {
  const uid = process.getuid();
  return (
    account(String(uid)) ?? { name: String(uid), uid, gid: process.getgid(), home: process.env.HOME ?? "/" }
  );
}

/** Who root runs lichen as: the person behind sudo, else the system user `lichen`, which is made when it is missing. */
export async function pickUser() {
  const person = account(process.env.SUDO_USER ?? "");
  if (person && person.uid !== 0) return person;
  if (!account("lichen")) {
    const shell = "/usr/sbin/nologin";
    await run("useradd", [
      "--system",
      "--create-home",
      "--home-dir",
      "/var/lib/lichen",
      "--shell",
      shell,
      "lichen",
    ]);
  }
  return account("lichen");
}

function ranges(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.trim().split(":"))
    .filter((fields) => fields.length === 3)
    .map(([owner, start, count]) => ({ owner, start: Number(start), count: Number(count) }));
}

/** usermod's arguments that give `user` the subordinate ids it lacks; empty when it has enough. */
export function missingIds(user) {
  const all = [...ranges("/etc/subuid"), ...ranges("/etc/subgid")];
  // One range for both kinds, above every range that is handed out, so that no two users ever share an id.
  const start = Math.max(100_000, ...all.map((range) => range.start + range.count));
  return [
    ["/etc/subuid", "--add-subuids"],
    ["/etc/subgid", "--add-subgids"],
  ].flatMap(([file, option]) => {
    const own = ranges(file).filter((range) => range.owner === user.name || range.owner === String(user.uid));
    const enough = own.some((range) => range.count >= fewestIds);
    return enough ? [] : [option, `${start}-${start + wantedIds - 1}`];
  });
}

/** The user's runtime directory as the system's login manager would make it; made here where there is none. Needs root. */
export function ensureRuntimeDirectory(user) {
  const directory = `/run/user/${user.uid}`;
  if (!existsSync(directory)) {
    mkdirSync("/run/user", { recursive: true, mode: 0o755 });
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, user.uid, user.gid);
  }
  return directory;
}
