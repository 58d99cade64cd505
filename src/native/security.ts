import { native, nativeAsync } from "./addon.ts";

/** Whether a process without privilege can take the AppArmor profile of this name; false also where AppArmor is not active. Takes 1 ms. */
export const appArmorProfileLoaded = (name: string): boolean =>
  native((raw) => raw.appArmorProfileLoaded(name));

/** The SELinux context that this process runs in; "" where SELinux is not active. */
export const selinuxContext = (): string => native((raw) => raw.selinuxContext());

/** Refuses a context that the loaded SELinux policy does not have, or to which it lets no process of ours change. Takes 1 ms. */
export const checkSelinuxContext = (context: string): void =>
  native((raw) => raw.checkSelinuxContext(context, "process"));

/** Refuses a context that the loaded SELinux policy does not have for files. */
export const checkSelinuxFileContext = (context: string): void =>
  native((raw) => raw.checkSelinuxContext(context, "file"));

/**
 * Gives a file, or a directory and everything below it, this SELinux context; symbolic links are labelled, not followed, and file systems
 * without labels are left as they are. False when `path` itself has it already, which is labelled last. PERMISSION_DENIED where owner
 * or policy forbid it.
 */
export const labelTree = (path: string, context: string): Promise<boolean> =>
  nativeAsync((raw) => raw.labelTree(path, context));

/** Something that the kernel let only root of the machine do when it was tried, and the errno's name. */
export interface RefusedPrivilege {
  what: string;
  code: string;
}

/** What root of the node's user namespace is refused, found by trying, which changes nothing; `scratch` is a directory that it may write to. */
export const refusedPrivileges = (scratch: string): RefusedPrivilege[] =>
  native((raw) => raw.refusedPrivileges(scratch));
