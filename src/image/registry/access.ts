import type { ImageConfig } from "../types.ts";
import { authFilesOf } from "./auth-files.ts";
import type { ClientState } from "./client.ts";
import { proxiesOf } from "./proxy.ts";
import { defaultNetwork } from "./transport.ts";

/** How this process reaches registries, and where it finds credentials: its environment as it is now, and the configuration. */
export function accessOf(config: ImageConfig): Pick<ClientState, "network" | "places"> {
  const { helperUser: user } = config;
  return {
    network: {
      proxies: proxiesOf(process.env),
      stallMs: config.stallMs ?? defaultNetwork.stallMs,
      retryMs: config.retryMs ?? defaultNetwork.retryMs,
    },
    places: { files: authFilesOf(process.env), ...(user === undefined ? {} : { user }) },
  };
}
