import { LichenError } from "../errors.ts";
import type { RuntimeUser } from "../oci-runtime.ts";

/** Who a container runs as, as CRI and the image say it. */
export interface UserRequest {
  runAsUser: number | undefined;
  runAsUsername: string;
  runAsGroup: number | undefined;
  supplementalGroups: number[];
  /** Only supplementalGroups, not the groups that the image's /etc/group puts the user in. */
  strict: boolean;
  /** `USER` of the image: `name`, `uid`, `name:group`, `uid:gid`, …; "" is root. */
  imageUser: string;
}

/** The image's /etc/passwd and /etc/group; undefined where there is none. Read only when needed. */
export interface UserDatabase {
  passwd(): string | undefined;
  group(): string | undefined;
}

interface PasswdEntry {
  name: string;
  uid: number;
  gid: number;
}

interface GroupEntry {
  name: string;
  gid: number;
  members: string[];
}

const maximumId = 2 ** 32 - 2;

/**
 * Resolves user and groups of a container's first process. The primary group is always among the supplementary groups, so that
 * dropping one cannot win access (CVE-2022-36109 in Docker). Digits are an id, whoever the image's files call so: kubelets rely on it for
 * runAsNonRoot. INVALID_ARGUMENT for a group without a user, and for a name that the image does
 * not know.
 */
export function resolveUser(request: UserRequest, database: UserDatabase): RuntimeUser {
  const wanted = wantedUser(request);
  const user = findUser(wanted.user, database);
  const gid = wanted.group === "" ? user.gid : findGroup(wanted.group, database);
  const groups = new Set([gid]);
  if (!request.strict && user.name !== undefined) {
    for (const group of groupEntries(database.group())) {
      if (group.members.includes(user.name)) groups.add(group.gid);
    }
  }
  for (const group of request.supplementalGroups) groups.add(checkedId("supplemental_groups", group));
  return { uid: user.uid, gid, additionalGids: [...groups] };
}

function wantedUser(request: UserRequest): { user: string; group: string } {
  const group = request.runAsGroup === undefined ? "" : String(checkedId("run_as_group", request.runAsGroup));
  if (request.runAsUser !== undefined) {
    return { user: String(checkedId("run_as_user", request.runAsUser)), group };
  }
  if (request.runAsUsername !== "") return { user: request.runAsUsername, group };
  if (group !== "") {
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "resolve user",
      object: `run_as_group ${group}`,
      reason: "a group is given without a user",
      hint: "give run_as_user or run_as_username as well",
    });
  }
  const colon = request.imageUser.indexOf(":");
  if (colon < 0) return { user: request.imageUser, group: "" };
  return { user: request.imageUser.slice(0, colon), group: request.imageUser.slice(colon + 1) };
}

function findUser(
  wanted: string,
  database: UserDatabase,
): { name: string | undefined; uid: number; gid: number } {
  const user = wanted === "" ? "0" : wanted;
  const entries = passwdEntries(database.passwd());
  if (/^\d+$/.test(user)) {
    const uid = checkedId("user", Number(user));
    return entries.find((entry) => entry.uid === uid) ?? { name: undefined, uid, gid: 0 };
  }
  const byName = entries.find((entry) => entry.name === user);
  if (byName === undefined) throw unknownName("user", user, "/etc/passwd");
  return byName;
}

function findGroup(wanted: string, database: UserDatabase): number {
  if (/^\d+$/.test(wanted)) return checkedId("group", Number(wanted));
  const byName = groupEntries(database.group()).find((entry) => entry.name === wanted);
  if (byName === undefined) throw unknownName("group", wanted, "/etc/group");
  return byName.gid;
}

function unknownName(kind: string, name: string, file: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: `resolve ${kind}`,
    object: name,
    reason: `the image's ${file} has no such ${kind}`,
    hint: "use a numeric id, or an image that knows the name",
  });
}

function checkedId(what: string, id: number): number {
  if (Number.isSafeInteger(id) && id >= 0 && id <= maximumId) return id;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "resolve user",
    object: `${what} ${id}`,
    reason: `not an id between 0 and ${maximumId}`,
  });
}

/** passwd(5): name:password:uid:gid:… A line that does not say so is skipped, as the C library does. */
function passwdEntries(text: string | undefined): PasswdEntry[] {
  return lines(text).flatMap(([name, , uid, gid]) =>
    name && isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [],
  );
}

/** group(5): name:password:gid:member,member */
function groupEntries(text: string | undefined): GroupEntry[] {
  return lines(text).flatMap(([name, , gid, members]) =>
    name && isId(gid)
      ? [{ name, gid: Number(gid), members: (members ?? "").split(",").map((member) => member.trim()) }]
      : [],
  );
}

function lines(text: string | undefined): string[][] {
  return (text ?? "").split("\n").map((line) => line.trim().split(":"));
}

function isId(field: string | undefined): field is string {
  return field !== undefined && /^\d+$/.test(field) && Number(field) <= maximumId;
}
