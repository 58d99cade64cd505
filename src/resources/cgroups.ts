import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LinuxContainerResources } from "#cri";
import { LichenError } from "../errors.ts";
import { killCgroup, removeCgroup } from "../native/cgroup.ts";
import { cgroupSettings, type Setting } from "./limits.ts";
import { isInScope, noSlices, pathInSlices, type Slices, scopeOf, scopePath, unitsOf } from "./scopes.ts";
import { sliceOf, slicePath } from "./slices.ts";
import { type FileWrite, writeAll } from "./write-all.ts";

export interface CgroupsOptions {
  /** From the launcher: whether a subtree is ours, which controllers it has, and why not (all). */
  delegated: boolean;
  controllers: readonly string[];
  reason: string;
  missing: "refuse" | "warn";
  /** How a cgroup_parent is given: as a path, as the name of a systemd slice, or as either. */
  driver: "auto" | "cgroupfs" | "systemd";
  /** Where pods are whose parent is a slice; without, they are nested in the subtree. */
  slices?: Slices;
  /** Called for each setting that is not enforced, with the container it was asked for. */
  onUnenforced: (setting: Setting, object: string) => void;
  /** Where the subtree is mounted; a test may say otherwise. */
  root?: string;
}

/** What the subtree holds beside pods with a parent: pods without one, and launcher and daemon. */
const ownTop = ["lichen", "node"];

/**
 * The delegated cgroup v2 subtree: where pods and containers are placed, and their limits. Paths are those seen in the
 * daemon's cgroup namespace and begin with a slash; "" means no cgroup, which is all there is without delegation.
 *
 * A pod is at CRI's cgroup_parent, or at /lichen/<sandbox id> without one; its monitor and its containers are leaves below
 * it, since only leaves may hold processes. In a slice the pod is a scope that the user's systemd makes, where there is one: it lies outside of
 * the subtree, and its path says so (scopes.ts).
 */
export class Cgroups {
  readonly #options: CgroupsOptions;
  readonly #root: string;
  readonly #slices: Slices;

  constructor(options: CgroupsOptions) {
    this.#options = options;
    this.#slices = options.slices ?? noSlices;
    this.#root = options.root ?? "/sys/fs/cgroup";
  }

  /** The controllers that cgroups of pods and containers have. */
  get controllers(): readonly string[] {
    return this.#options.controllers;
  }

  /**
   * The pod's cgroup path: CRI's parent, or a place among lichen's own without one. A slice is systemd's, or nested as systemd nests it where none
   * answers. INVALID_ARGUMENT for a parent that is neither a clean absolute path nor, where the driver allows it, a slice.
   */
  podPath(sandboxId: string, parent: string): string {
    const { driver } = this.#options;
    const slice = driver === "cgroupfs" ? undefined : sliceOf(parent, this.#slices.path);
    if (slice !== undefined && this.#slices.maker !== undefined) return scopePath(sandboxId, slice);
    const cgroupParent = slice === undefined ? parent : slicePath(slice);
    if (cgroupParent !== "" && (!cgroupParent.startsWith("/") || /(^|\/)\.{1,2}(\/|$)/.test(cgroupParent))) {
      throw new LichenError({
        code: "INVALID_ARGUMENT",
        operation: "place pod sandbox",
        object: `cgroup_parent ${cgroupParent}`,
        reason: "not an absolute path without . and ..",
        hint:
          driver === "systemd"
            ? "give the name of a slice, or leave it empty"
            : "give a path below the node's cgroup, or leave it empty",
      });
    }
    const parts = cgroupParent.split("/").filter(Boolean);
    if (ownTop.includes(parts[0] ?? "")) {
      throw new LichenError({
        code: "INVALID_ARGUMENT",
        operation: "place pod sandbox",
        object: `cgroup_parent ${cgroupParent}`,
        reason: `/${parts[0]} is lichen's own`,
        hint: "choose another name, or leave it empty",
      });
    }
    if (!this.#options.delegated) return "";
    return parts.length === 0 ? `/lichen/${sandboxId}` : `/${parts.join("/")}`;
  }

  /** The path of a leaf below the pod's cgroup: the monitor's (named by the sandbox) or a container's. */
  leafPath(podPath: string, id: string): string {
    return podPath === "" ? "" : `${podPath}/${id}`;
  }

  /** The directory of a cgroup path as spawn and the monitor want it, or "" for none. */
  directory(path: string): string {
    if (isInScope(path)) return join(this.#slices.directory, pathInSlices(path));
    // Cgroup paths are clean and begin with a slash; join() would cost more than reading the file for which this is asked.
    return path === "" ? "" : `${this.#root}${path}`;
  }

  /** The same for the monitor's `create`, by what it wants. */
  forMonitor(path: string): { cgroup: string; cgroupRoot?: string } {
    if (!isInScope(path)) return { cgroup: path };
    return { cgroup: pathInSlices(path), cgroupRoot: this.#slices.directory };
  }

  /** Makes the place where a pod's monitor is born, and gives its directory; a scope is made around a monitor that lives: "". */
  createSeat(podPath: string, sandboxId: string): string {
    if (isInScope(podPath)) return "";
    const leaf = this.leafPath(podPath, sandboxId);
    this.create(leaf);
    return this.directory(leaf);
  }

  /**
   * Has the pod's scope made around its monitor, which is to settle there then, and gives its directory; undefined for pods that are in no slice.
   * FAILED_PRECONDITION or UNAVAILABLE when systemd does not do it.
   */
  async makeScope(podPath: string, sandboxId: string, monitorPid: number): Promise<string | undefined> {
    if (!isInScope(podPath)) return undefined;
    const description = `Pod sandbox ${sandboxId} of lichen`;
    await this.#slices.maker?.startScope({ ...unitsOf(podPath), description, pid: monitorPid });
    return this.directory(podPath);
  }

  /** Makes the cgroup and what is above it (as far as it is ours), with every controller handed down. Fine when it exists. */
  create(path: string): void {
    if (path === "") return;
    const scope = scopeOf(path);
    const parts = path.slice(scope.length).split("/").filter(Boolean);
    let above = scope || "/";
    for (const part of parts) {
      const below = join(above, part);
      if (this.#make(below)) this.#handDown(above);
      above = below;
    }
  }

  /** Whether the limits can be enforced in a cgroup; throws FAILED_PRECONDITION or reports as configured. To be asked before anything is made. */
  check(resources: LinuxContainerResources | null, object: string, path: string): Setting[] {
    const settings = cgroupSettings(resources);
    const controllers = this.#controllersOf(path);
    const enforceable = settings.filter((setting) => controllers.includes(setting.controller));
    for (const setting of settings) {
      if (enforceable.includes(setting) || setting.kind === "lift") continue;
      if (setting.kind === "limit" && this.#options.missing === "refuse")
        throw this.#refusal(setting, object, path);
      this.#options.onUnenforced(setting, object);
    }
    return path === "" ? [] : enforceable;
  }

  /** Writes settings that check() let through. INVALID_ARGUMENT for a value that the kernel refuses. */
  apply(path: string, settings: readonly Setting[]): void {
    for (const setting of settings) {
      try {
        writeFileSync(join(this.directory(path), setting.file), setting.value);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        // No swap on the node: then nothing can be swapped, which keeps any limit.
        if (code === "ENOENT" && setting.file === "memory.swap.max") continue;
        throw new LichenError({
          code: code === "EINVAL" || code === "ERANGE" ? "INVALID_ARGUMENT" : "FAILED_PRECONDITION",
          operation: `set ${setting.asked}`,
          object: `${path}/${setting.file}`,
          reason: `writing ${JSON.stringify(setting.value)}: ${code}`,
          cause: error,
        });
      }
    }
  }

  /**
   * Writes settings that check() let through to a cgroup in use, and `more` files with them: all, or none. FAILED_PRECONDITION for less memory than
   * cannot be dropped: the kernel would kill for it.
   */
  update(path: string, settings: readonly Setting[], more: readonly FileWrite[] = []): void {
    const writes = settings
      .filter(({ file }) => file !== "memory.swap.max" || this.read(path, file) !== undefined)
      .map(({ asked, file, value }) => ({ asked, value, path: join(this.directory(path), file) }));
    for (const { file, value } of settings)
      if (file === "memory.max" && value !== "max") this.#checkMemory(path, Number(value));
    writeAll([...writes, ...more]);
  }

  #checkMemory(path: string, limit: number): void {
    const stat = this.read(path, "memory.stat") ?? "";
    const droppable = [...stat.matchAll(/^(?:active_file|inactive_file|slab_reclaimable) (\d+)$/gm)]
      .map(([, bytes]) => Number(bytes))
      .reduce((sum, one) => sum + one, 0);
    const held = Number(this.read(path, "memory.current") ?? 0) - droppable;
    if (held <= limit) return;
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "set memory_limit_in_bytes",
      object: path,
      reason: `${held} bytes are in use and cannot be dropped, more than ${limit}`,
      hint: "the kernel would kill a process: choose a higher limit, or let the container use less first",
    });
  }

  /** Kills every process in the cgroup and below it, and waits until they are gone; fine when the cgroup is. */
  async kill(path: string): Promise<void> {
    if (path === "" || !existsSync(this.directory(path))) return;
    await killCgroup(this.directory(path));
  }

  /** Removes the cgroup and those below it, waiting for processes that are dying. Fine when it is gone. */
  async remove(path: string): Promise<void> {
    if (path !== "") await removeCgroup(this.directory(path));
  }

  /** Whether a pod's cgroup is of our making: its limits are ours to set. */
  isOwn(podPath: string): boolean {
    return podPath.startsWith("/lichen/");
  }

  /** Removes a pod's cgroup. A cgroup_parent belongs to the caller and stays: there only our leaves are removed, or our scope in a slice. */
  async removePod(podPath: string, leaves: readonly string[]): Promise<void> {
    if (isInScope(podPath)) {
      // An empty scope goes by itself, but when is up to systemd.
      await this.kill(podPath);
      await this.#slices.maker?.stopUnit(unitsOf(podPath).name);
      return;
    }
    const own = this.isOwn(podPath);
    await Promise.all((own ? [podPath] : leaves).map((path) => this.remove(path)));
  }

  /** The text of one of the cgroup's files; undefined when there is none. */
  read(path: string, file: string): string | undefined {
    if (path === "") return undefined;
    try {
      return readFileSync(join(this.directory(path), file), "utf8");
    } catch {
      return undefined;
    }
  }

  #controllersOf(path: string): readonly string[] {
    return isInScope(path) ? this.#slices.controllers : this.#options.controllers;
  }

  /** Makes one directory; false when it was there. */
  #make(path: string): boolean {
    try {
      mkdirSync(this.directory(path));
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EEXIST") return false;
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "create cgroup",
        object: path,
        reason: String(code),
        hint: `the cgroup ${dirname(path)} must be delegated to this user`,
        cause: error,
      });
    }
  }

  /** Enables our controllers for the children of `path`. One that cannot be enabled shows when a limit wants its file. */
  #handDown(path: string): void {
    const enabled = new Set((this.read(path, "cgroup.subtree_control") ?? "").trim().split(/\s+/));
    for (const controller of this.#controllersOf(path)) {
      if (enabled.has(controller)) continue;
      try {
        writeFileSync(join(this.directory(path), "cgroup.subtree_control"), `+${controller}`);
      } catch {
        // apply() names the file that is missing, and for which limit.
      }
    }
  }

  #refusal(setting: Setting, object: string, path: string): LichenError {
    const { reason } = this.#options;
    const why =
      path !== ""
        ? `the cgroup controller ${setting.controller} is not delegated to this user`
        : "no cgroup is delegated to this user";
    return new LichenError({
      code: "FAILED_PRECONDITION",
      operation: `enforce ${setting.asked}`,
      object,
      reason: reason === "" ? why : `${why} (${reason})`,
      hint: 'have it delegated (lichen doctor says how), or set cgroups.missing = "warn" to run without the limit',
    });
  }
}
