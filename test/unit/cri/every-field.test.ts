import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { descriptor } from "../../../proto/generated/descriptor.ts";

/** Calls that are answered UNIMPLEMENTED as a whole. */
const notBuilt = new Set(["CheckpointContainer", "CheckpointPod", "RestorePod"]);

interface Message {
  fields: Record<string, { type: string }>;
}
interface Service {
  methods: Record<string, { requestType: string }>;
}
const all = (
  descriptor as { nested: { runtime: { nested: { v1: { nested: Record<string, Message | Service> } } } } }
).nested.runtime.nested.v1.nested;

const source = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join("src", name), "utf8"))
  .join("\n");
const words = new Set(source.match(/\w+/g));

/** Every message that is part of a request, with its fields. Windows' own are refused where they are hung in. */
function asked(): Map<string, string[]> {
  const messages = new Map<string, string[]>();
  const visit = (type: string): void => {
    const message = all[type];
    if (message === undefined || !("fields" in message) || messages.has(type) || type.startsWith("Windows"))
      return;
    messages.set(type, Object.keys(message.fields));
    for (const field of Object.values(message.fields)) visit(field.type.split(".").at(-1) ?? "");
  };
  for (const entry of Object.values(all)) {
    if (!("methods" in entry)) continue;
    for (const [name, method] of Object.entries(entry.methods))
      if (!notBuilt.has(name)) visit(method.requestType.split(".").at(-1) ?? "");
  }
  return messages;
}

// Of all that a kubelet can ask in a request, nothing may be dropped in silence. (That what is read is also done is for the tests of each
// room.)
test("every field of every request is read somewhere in src/", () => {
  const messages = asked();
  assert.ok(messages.size > 60, `only ${messages.size} messages found`);
  const dropped = [...messages]
    .flatMap(([message, fields]) => fields.map((field) => ({ name: `${message}.${field}`, field })))
    .filter(({ field }) => !words.has(field));
  assert.deepEqual(
    dropped.map(({ name }) => name),
    [],
  );
});
