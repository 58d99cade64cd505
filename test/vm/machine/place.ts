// Where everything for the VM is made: below the checkout, away from what the conformance tests make.
import { join } from "node:path";
import { checkout } from "../../conformance/workshop.ts";

export const vmWorkshop = join(checkout, ".cache/vm");
