// What a person sees while the machine is being prepared: one line a step, with its time; the output of commands only when they fail.
import { spawn } from "node:child_process";

const terminal = process.stdout.isTTY === true;
const coloured = terminal && !process.env.NO_COLOR;
const paint = (code, text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);

export const green = (text) => paint(32, text);
export const red = (text) => paint(31, text);
export const yellow = (text) => paint(33, text);
export const dim = (text) => paint(2, text);

/** A failure with a sentence for people; `hint` says what to do about it. */
export class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Prints `error` as one line and its hint as another, and ends the process with status 1. */
export function fail(error) {
  console.error(`${red("error:")} ${error instanceof SetupError ? error.message : error.stack}`);
  if (error.hint) console.error(`${yellow("hint:")} ${error.hint}`);
  process.exit(1);
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Runs `work` as one visible step. A terminal sees the seconds pass; a pipe gets a line at the end, and one every 15 seconds
 * so that nobody takes a long step for a hung one. `work` may return a few words about what it did.
 */
export async function step(title, work) {
  const began = performance.now();
  const show = () =>
    terminal
      ? process.stdout.write(`\r… ${title} ${dim(seconds(began))} `)
      : console.log(`… ${title} ${seconds(began)}`);
  const ticking = setInterval(show, terminal ? 200 : 15_000);
  const finish = (mark, detail) => {
    clearInterval(ticking);
    const said = detail ? `: ${detail}` : "";
    console.log(`${terminal ? "\r\u001b[K" : ""}${mark} ${title}${said} ${dim(`(${seconds(began)})`)}`);
  };
  try {
    finish(green("✓"), await work());
  } catch (error) {
    finish(red("✗"));
    throw error;
  }
}

/** Runs a command to its end and gives what it printed. It fails with the last lines of that when the exit status is not 0. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    const line = [command, ...args].join(" ");
    child.on("error", (error) => reject(new SetupError(`${line}: ${error.message}`)));
    child.on("close", (status, signal) => {
      if (status === 0) return resolve(output);
      const tail = output.trimEnd().split("\n").slice(-30).join("\n");
      reject(new SetupError(`${line}: ended with ${signal ?? `status ${status}`}\n${tail}`));
    });
  });
}
