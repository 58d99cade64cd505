import { text } from "node:stream/consumers";

/** All of standard input, without the line's end that `echo` adds. */
export async function readInput(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, "");
}

/** What came behind the end of a line: somebody has pasted the answers to more than one question. */
let ahead = "";

/** Asks a person at the terminal for a line; with `hidden` nothing of it is shown. Ctrl-C and Ctrl-D give undefined. */
export async function ask(question: string, hidden = false): Promise<string | undefined> {
  const { stdin, stderr } = process;
  // Before the question: whoever answers at once would see the answer, also a hidden one.
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.setEncoding("utf8");
  let line = "";
  try {
    for await (const chunk of typed(stdin)) {
      const characters = [...chunk];
      for (const [at, character] of characters.entries()) {
        if (character === "\r" || character === "\n") {
          ahead = characters
            .slice(at + 1)
            .join("")
            .replace(/^\n/, "");
          return line;
        }
        if (character === "\x03" || character === "\x04") return undefined;
        const erased = character === "\x7f" || character === "\b";
        if (!hidden) stderr.write(erased ? (line === "" ? "" : "\b \b") : character);
        line = erased ? [...line].slice(0, -1).join("") : line + character;
      }
    }
    return undefined;
  } finally {
    stderr.write("\n");
    stdin.setRawMode(false);
    stdin.pause();
  }
}

async function* typed(stdin: NodeJS.ReadStream): AsyncGenerator<string> {
  const before = ahead;
  ahead = "";
  if (before !== "") yield before;
  for await (const chunk of stdin.iterator({ destroyOnReturn: false })) yield String(chunk);
}
