import { spawnSync } from "node:child_process";
import { test } from "node:test";

const MARK = "LICHEN_TEST_NAMESPACES";

/**
 * To be called at the top of a test file that makes mounts or links: runs the file as root of new user, mount and network
 * namespaces. True there. False outside, when the file has run inside already (its results went to the same report), or when
 * the kernel gives no such namespaces, which is a skipped test. `ids`: "one" maps the user alone, "all" its subordinate ids too.
 */
export function inNamespaces(ids: "one" | "all" = "one"): boolean {
  if (process.env[MARK] !== undefined) return true;
  const map = ids === "all" ? ["--map-auto"] : [];
  const unshare = ["--user", "--map-root-user", ...map, "--mount", "--net"];
  const probe = spawnSync("unshare", [...unshare, "true"], { encoding: "utf8" });
  if (probe.status !== 0) {
    const reason = `unshare ${unshare.join(" ")}: ${probe.error?.message ?? probe.stderr.trim()}`;
    test("in namespaces of its own", { skip: reason }, () => {});
    return false;
  }
  const inside = spawnSync(
    "unshare",
    [...unshare, process.execPath, ...process.execArgv, process.argv[1] ?? ""],
    {
      stdio: "inherit",
      env: { ...process.env, [MARK]: "1" },
    },
  );
  process.exitCode = inside.status ?? 1;
  return false;
}
