import { NoNetwork } from "./none.ts";

/** The node's own network: nothing to attach, nothing to give back, and no addresses of the pod's own. */
export class HostNetwork extends NoNetwork {}
