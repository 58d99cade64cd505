import { basename, dirname } from "node:path";
import { slicePath } from "./slices.ts";

/** What makes scopes: the user's systemd. */
export interface ScopeMaker {
  startScope(request: { name: string; slice: string; description: string; pid: number }): Promise<void>;
  stopUnit(name: string): Promise<void>;
}

/** The part of the host's cgroup tree in which the user's systemd keeps its units. */
export interface Slices {
  /** Directory that shows it, if there is such a systemd. */
  directory: string;
  /** Its path on the host, "/user.slice/user-1000.slice/user@1000.service". */
  path: string;
  /** Controllers that scopes have. */
  controllers: readonly string[];
  /** Undefined where no systemd of the user's answers: what is in slices is nested in our own subtree then. */
  maker: ScopeMaker | undefined;
}

/** Where there is no systemd of the user's. */
export const noSlices: Slices = { directory: "/nonexistent", path: "", controllers: [], maker: undefined };

/** What the paths of cgroups begin with that are not in our own subtree, but below the cgroup of the user's systemd. */
const mark = "systemd:";

/** The path of a pod's scope in a slice. INVALID_ARGUMENT for what is no slice's name. */
export function scopePath(sandboxId: string, slice: string): string {
  const parent = slicePath(slice);
  return `${mark}${parent === "/" ? "" : parent}/lichen-${sandboxId}.scope`;
}

/** Whether a cgroup is a scope of ours in a slice, or in one. */
export function isInScope(path: string): boolean {
  return path.startsWith(mark);
}

/** A path below the cgroup of the user's systemd, without the mark. */
export function pathInSlices(path: string): string {
  return path.slice(mark.length);
}

/** The scope that a cgroup is or is in. */
export function scopeOf(path: string): string {
  return /^systemd:.*?\.scope(?=\/|$)/.exec(path)?.[0] ?? "";
}

/** The names of a scope's unit and of its slice. */
export function unitsOf(scope: string): { name: string; slice: string } {
  const slice = basename(dirname(pathInSlices(scope)));
  return { name: basename(scope), slice: slice === "" ? "-.slice" : slice };
}
