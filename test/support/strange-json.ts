/** What may stand in the place of a value of a JSON document. */
const strange: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e300,
  2 ** 53,
  "",
  "x",
  "\0",
  "..",
  "__proto__",
  "sha256:%",
  [],
  [[]],
  [null],
  {},
  { "": {} },
  JSON.parse('{"__proto__": 1}'),
];

/**
 * Documents like `document`, each with one value replaced by something strange, or with one member or element less: what a program must read,
 * or refuse with a reason, wherever it comes from.
 */
export function* strangeVariants(document: unknown): Generator<{ where: string; variant: unknown }> {
  for (const path of placesOf(document)) {
    const where = `/${path.join("/")}`;
    for (const value of strange)
      yield { where: `${where} = ${JSON.stringify(value)}`, variant: changed(document, path, value) };
    if (path.length > 0) yield { where: `without ${where}`, variant: changed(document, path, undefined) };
  }
}

function placesOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return [
    [],
    ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner).map((path) => [key, ...path])),
  ];
}

function changed(document: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const copy = structuredClone(document) as Record<string, unknown>;
  const inner = changed(copy[key], rest, value);
  if (inner !== undefined) copy[key] = inner;
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete copy[key];
  return copy;
}
