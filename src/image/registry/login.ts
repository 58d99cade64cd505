import { LichenError } from "../../errors.ts";
import { drop, refused } from "./answers.ts";
import { Authorizer } from "./authorizer.ts";
import type { Credentials } from "./credentials.ts";
import type { Dial } from "./dial.ts";
import type { Endpoint } from "./hosts.ts";
import { type NetworkSettings, Transport } from "./transport.ts";

/**
 * Asks a registry whether it takes these credentials (distribution-spec, "Determining Support"). `asked` is false when it
 * lets everybody in and so tells nothing about them. UNAUTHENTICATED when it refuses them, else as a pull fails.
 */
export async function checkLogin(
  endpoint: Endpoint,
  credentials: Credentials,
  network: NetworkSettings,
  dial?: Dial,
): Promise<{ asked: boolean }> {
  const transport = new Transport(endpoint, network, dial);
  const find = async () => ({ credentials, source: "this login" });
  const authorizer = new Authorizer({ endpoint, scope: "", transport, find });
  const url = `${endpoint.url}/`;
  try {
    for (let asked = false; ; asked = true) {
      const { header } = authorizer;
      const response = await transport.send({
        method: "GET",
        url,
        headers: {
          "user-agent": "lichen",
          ...endpoint.headers,
          ...(header === undefined ? {} : { authorization: header }),
        },
      });
      if (response.statusCode === 200) {
        drop(response);
        return { asked };
      }
      if (response.statusCode !== 401) throw await refused(response, url, "this login");
      if (asked || !(await authorizer.answer(response, undefined))) throw wrong(endpoint);
      await response.body.dump();
    }
  } finally {
    await transport.close();
  }
}

function wrong(endpoint: Endpoint): LichenError {
  return new LichenError({
    code: "UNAUTHENTICATED",
    operation: "log in to",
    object: new URL(endpoint.url).host,
    reason: "the registry does not take this name and password",
    hint: "many registries want a token made for this in place of the password; nothing was stored",
  });
}
