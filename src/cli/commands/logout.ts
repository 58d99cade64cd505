import type { Command } from "commander";
import { LichenError } from "../../errors.ts";
import type { GlobalOptions } from "../context.ts";
import { misuse } from "../context.ts";
import { json } from "../output.ts";
import { addLoginOptions, authFiles, type LoginOptions, placeOf } from "../registry-options.ts";

interface Options extends GlobalOptions, LoginOptions {
  all?: boolean;
}

/** `lichen logout REGISTRY`, `lichen logout --all`. */
export function logout(program: Command): void {
  addLoginOptions(
    program
      .command("logout")
      .description("forget the credentials for a registry, wherever they are kept")
      .argument("[registry]", "as it was given to login")
      .option("-a, --all", "for all registries"),
  ).action(async (registry: string | undefined, _options: object, command: Command) => {
    const options = command.optsWithGlobals<Options>();
    if ((registry === undefined) === (options.all !== true))
      throw misuse(
        "log out",
        registry ?? "",
        "a registry or --all is needed, not both",
        "lichen logout --help",
      );
    const { forgetLogin, loginPlaces } = await import("../../image/registry/auth-store.ts");
    const { files, environment } = await authFiles(options);
    const places = registry === undefined ? loginPlaces(files) : [placeOf(registry)];
    const forgotten = [];
    for (const place of places)
      for (const kept of await forgetLogin(place, files, { environment }))
        forgotten.push({ registry: place, ...kept });
    if (registry !== undefined && forgotten.length === 0) throw notLoggedIn(places[0] ?? registry, files);
    if (options.output === "json") process.stdout.write(json(forgotten));
    else
      for (const { registry: place, helper, file } of forgotten)
        process.stdout.write(`logged out of ${place}; removed from ${helper ?? file}\n`);
  });
}

function notLoggedIn(place: string, files: readonly string[]): LichenError {
  return new LichenError({
    code: "NOT_FOUND",
    operation: "log out of",
    object: place,
    reason: "there are no credentials for it",
    hint: `looked in ${files.join(", ")}`,
  });
}
