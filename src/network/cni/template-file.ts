import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { asLichenError, LichenError } from "../../errors.ts";
import { parseNetwork } from "./network-list.ts";
import { renderTemplate } from "./template.ts";

const fileName = "10-lichen-net.conflist";

/**
 * Fills in the template with the node's pod CIDRs and puts the network's file into `directory`. What comes out is read as a network
 * before: INVALID_ARGUMENT or FAILED_PRECONDITION, and no file, when it is none.
 */
export function writeFromTemplate(template: string, directory: string, cidrs: readonly string[]): void {
  const values = {
    PodCIDR: cidrs[0] ?? "",
    PodCIDRRanges: cidrs,
    Routes: cidrs.map((cidr) => (isIPv6(cidr.split("/")[0] ?? "") ? "::/0" : "0.0.0.0/0")),
  };
  const text = renderTemplate(read(template), values, template);
  parseNetwork(text, template);
  const path = join(directory, fileName);
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "write CNI network",
      object: path,
      reason: asLichenError(error).reason,
      hint: "set network.cni_config_directories to begin with a directory that your user may write to",
      cause: error,
    });
  }
}

function read(template: string): string {
  try {
    return readFileSync(template, "utf8");
  } catch (error) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "read CNI template",
      object: template,
      reason: (error as Error).message,
      hint: "set network.cni_template to the file's path, or leave it out",
      cause: error,
    });
  }
}
