import { asLichenError } from "../errors.ts";

/** What loads the parts of nf_tables that lichen uses, where they are modules (the launcher's check says it too). */
export const nftablesHint = "sudo modprobe -a nf_tables nft_chain_nat nft_masq nft_socket";

/** Why rules could not be made, and what to do, for a condition's message. */
export function explainWithoutNftables(error: unknown): string {
  const { message, hint } = asLichenError(error);
  return `${message} (${hint ?? nftablesHint})`;
}
