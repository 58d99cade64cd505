import { native } from "./addon.ts";

/** Whether a process without privilege can take the AppArmor profile of this name; false also where AppArmor is not active. Takes 1 ms. */
export const appArmorProfileLoaded = (name: string): boolean =>
  native((raw) => raw.appArmorProfileLoaded(name));

/** Something that the kernel let only root of the machine do when it was tried, and the errno's name. */
export interface RefusedPrivilege {
  what: string;
  code: string;
}

/** What root of the node's user namespace is refused, found by trying, which changes nothing; `scratch` is a directory that it may write to. */
export const refusedPrivileges = (scratch: string): RefusedPrivilege[] =>
  native((raw) => raw.refusedPrivileges(scratch));
