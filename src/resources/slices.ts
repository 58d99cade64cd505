import { LichenError } from "../errors.ts";

const stemOf = (name: string): string => name.slice(0, -".slice".length);

/** systemd.unit(5): what a unit's name may hold, and at most 255 characters of it. */
function isSliceName(name: string): boolean {
  const stem = stemOf(name);
  return /^[A-Za-z0-9:_.\\-]+$/.test(stem) && !stem.split("-").includes("") && name.length <= 255;
}

/**
 * Where systemd puts a slice: `a-b.slice` is a child of `a.slice`, and `-.slice` is the top (systemd.slice(5)). Answers a path that begins with
 * a slash, "/" for the top. INVALID_ARGUMENT for what is no slice's name.
 */
export function slicePath(name: string): string {
  if (name === "-.slice") return "/";
  if (!isSliceName(name)) {
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "place pod sandbox",
      object: `cgroup_parent ${name}`,
      reason: "not the name of a systemd slice",
      hint: 'a slice is named as "kubepods-burstable.slice", with its parents before each hyphen',
    });
  }
  const parts = stemOf(name).split("-");
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`).join("/")}`;
}

/**
 * The name of the slice that a cgroup_parent means: it is given as such, or as systemd's path for it, which is what kubelets send
 * ("/kubepods.slice/kubepods-burstable.slice"); that may begin with the cgroup of the user's systemd on the host (`managerPath`). Undefined
 * for every other path.
 */
export function sliceOf(cgroupParent: string, managerPath: string): string | undefined {
  if (!cgroupParent.endsWith(".slice")) return undefined;
  if (!cgroupParent.includes("/")) return cgroupParent;
  const parts = cgroupParent.split("/");
  const name = parts.at(-1) ?? "";
  const depth = name.split("-").length;
  const [prefix, path] = [parts.slice(0, -depth).join("/"), `/${parts.slice(-depth).join("/")}`];
  if (prefix !== "" && prefix !== managerPath) return undefined;
  return isSliceName(name) && slicePath(name) === path ? name : undefined;
}
