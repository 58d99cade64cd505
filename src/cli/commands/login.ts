import type { Command } from "commander";
import { LichenError } from "../../errors.ts";
import { colours } from "../colours.ts";
import type { GlobalOptions } from "../context.ts";
import { misuse } from "../context.ts";
import { json } from "../output.ts";
import { ask, readInput } from "../prompt.ts";
import { addLoginOptions, type LoginOptions, placeOf, registryOf } from "../registry-options.ts";

interface Options extends GlobalOptions, LoginOptions {
  username?: string;
  passwordStdin?: boolean;
}

/** `lichen login [-u USER] [--password-stdin] REGISTRY`. */
export function login(program: Command): void {
  addLoginOptions(
    program
      .command("login")
      .description("check and keep the credentials for a registry")
      .argument("<registry>", "for example docker.io, or ghcr.io/team for what lies below only")
      .option("-u, --username <name>", "who to log in as; asked for when it is missing")
      .option("--password-stdin", "read the password, or a token in its place, from standard input"),
  ).action(async (registry: string, _options: object, command: Command) => {
    const options = command.optsWithGlobals<Options>();
    const place = placeOf(registry);
    const { endpoint, network, files, environment } = await registryOf(place, options);
    const { username, password } = await credentials(place, options);
    const { checkLogin } = await import("../../image/registry/login.ts");
    const { keepLogin } = await import("../../image/registry/auth-store.ts");
    const { asked } = await checkLogin(endpoint, { kind: "password", username, password }, network);
    const kept = await keepLogin({ place, username, password }, files, { environment });
    if (options.output === "json") {
      process.stdout.write(json({ registry: place, username, ...kept }));
      return;
    }
    process.stdout.write(`logged in to ${place} as ${username}; kept in ${kept.helper ?? kept.file}\n`);
    if (!asked) note(`${place} lets everybody in, so nobody has checked the password`);
    if (kept.helper === undefined)
      note(
        "the file is readable by you only, but not encrypted; credsStore in it names a program that does better",
      );
  });
}

async function credentials(place: string, options: Options): Promise<{ username: string; password: string }> {
  const { stdin } = process;
  if (!stdin.isTTY && (options.username === undefined || options.passwordStdin !== true))
    throw misuse(
      "log in to",
      place,
      "name and password cannot be asked for without a terminal",
      "give -u NAME and --password-stdin",
    );
  const username = options.username ?? (await ask("Username: "));
  if (!username) throw cancelled(place);
  const password = options.passwordStdin ? await readInput() : await ask("Password: ", true);
  if (password === undefined) throw cancelled(place);
  if (password === "") throw misuse("log in to", place, "the password is empty", "give one");
  if (username.includes(":"))
    throw misuse("log in to", place, "a name with a colon cannot be sent (RFC 7617)", "check the name");
  return { username, password };
}

function cancelled(place: string): LichenError {
  return new LichenError({
    code: "CANCELLED",
    operation: "log in to",
    object: place,
    reason: "nothing was entered",
  });
}

function note(text: string): void {
  process.stderr.write(`${colours.dim(`note: ${text}`)}\n`);
}
