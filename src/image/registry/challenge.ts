/** One challenge of a WWW-Authenticate header (RFC 9110 §11.6.1). Scheme and parameter names are in lower case. */
export interface Challenge {
  scheme: string;
  parameters: Readonly<Record<string, string>>;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;

/** Reads all challenges of a header's value; what cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let rest = header.trim();
  while (rest !== "") {
    const name = token.exec(rest)?.[0];
    if (name === undefined) break;
    rest = rest.slice(name.length).trimStart();
    if (!rest.startsWith("=")) {
      challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    } else {
      const value = readValue(rest.slice(1).trimStart());
      const current = challenges.at(-1);
      if (value === undefined || current === undefined) break;
      current.parameters[name.toLowerCase()] = value.text;
      rest = value.rest;
    }
    rest = rest.replace(/^[\s,]+/, "");
  }
  return challenges;
}

function readValue(text: string): { text: string; rest: string } | undefined {
  if (!text.startsWith('"')) {
    const value = /^[^\s,]*/.exec(text)?.[0] ?? "";
    return { text: value, rest: text.slice(value.length) };
  }
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(text);
  if (quoted === null) return undefined;
  return { text: (quoted[1] ?? "").replace(/\\(.)/g, "$1"), rest: text.slice(quoted[0].length) };
}
