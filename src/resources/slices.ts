import { LichenError } from "../errors.ts";

/**
 * Where systemd puts a slice: `a-b.slice` is a child of `a.slice`, and `-.slice` is the top (systemd.slice(5)). Answers a path that begins with
 * a slash, "/" for the top. INVALID_ARGUMENT for what is no slice's name.
 */
export function slicePath(name: string): string {
  if (name === "-.slice") return "/";
  const stem = name.slice(0, -".slice".length);
  const parts = stem.split("-");
  // systemd.unit(5): what a unit's name may hold, and at most 255 characters of it.
  if (!/^[A-Za-z0-9:_.\\-]+$/.test(stem) || parts.includes("") || name.length > 255) {
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "place pod sandbox",
      object: `cgroup_parent ${name}`,
      reason: "not the name of a systemd slice",
      hint: 'a slice is named as "kubepods-burstable.slice", with its parents before each hyphen',
    });
  }
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`).join("/")}`;
}

/** Whether a cgroup_parent is a slice's name rather than a path. */
export function isSliceName(cgroupParent: string): boolean {
  return cgroupParent.endsWith(".slice") && !cgroupParent.includes("/");
}
