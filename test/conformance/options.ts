// The command line of a conformance run.
import { parseArgs } from "node:util";

export const usage = `npm run conformance -- [OPTION…]
  --focus REGEX   only the specs whose whole name matches (Go's syntax)
  --seed NUMBER   the order of an earlier run
  --limit MINUTES end the run after this long (10)
  --update        put what passes for the first time on the list of what must pass
  --keep          keep log and report also when all is well`;

/** `--directory` is where log and report go; `--update` and `--keep` are scripts/conformance.mjs's part. */

export interface Options {
  focus?: string | undefined;
  seed?: number | undefined;
  limitMinutes: number;
  directory: string;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name} ${text}: not a whole number\n${usage}`);
  return Number(text);
}

/** Reads the arguments; throws with the usage for what it does not know. */
export function parseOptions(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        focus: { type: "string" },
        seed: { type: "string" },
        limit: { type: "string", default: "10" },
        update: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        directory: { type: "string" },
      },
    });
    if (!values.directory) throw new Error("--directory is missing");
    return {
      focus: values.focus,
      seed: values.seed === undefined ? undefined : wholeNumber("seed", values.seed),
      limitMinutes: wholeNumber("limit", values.limit),
      directory: values.directory,
    };
  } catch (error) {
    const message = (error as Error).message;
    throw message.includes(usage) ? error : new Error(`${message}\n${usage}`);
  }
}
