/** A credential helper for tests: a shell script that keeps what it is given in a directory beside it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Puts `docker-credential-NAME` into `directory`; it works as the real ones do, unless another script is given. */
export function putHelper(directory: string, name: string, script?: string): string {
  const kept = join(directory, `${name}-kept`);
  mkdirSync(kept, { recursive: true });
  const honest = `
    kept=${kept}
    server=$(cat)
    place() { printf %s "$1" | tr / _; }
    case $1 in
    get)
      file=$kept/$(place "$server")
      if [ -f "$file" ]; then cat "$file"; else echo "credentials not found in native keychain"; exit 1; fi ;;
    store)
      url=$(printf %s "$server" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/')
      printf %s "$server" >"$kept/$(place "$url")" ;;
    erase) rm -f "$kept/$(place "$server")" ;;
    *) exit 2 ;;
    esac`;
  writeFileSync(join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script ?? honest}\n`, {
    mode: 0o755,
  });
  return kept;
}
