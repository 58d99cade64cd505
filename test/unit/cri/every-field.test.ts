import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { descriptor } from "../../../proto/generated/descriptor.ts";

/**
 * Of all that a kubelet can ask in a request, nothing may be dropped in silence: each field is read somewhere in src/, or stands here with
 * the reason why it has nothing to say. (That what is read is also done is for the tests of each room.)
 */
const without: Record<string, string> = {
  "Mount.selinuxRelabel":
    "asked of every volume on every node; a container has no label that a volume could be given",
};

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

test("every field of every request is read, or there is a reason", () => {
  const messages = asked();
  assert.ok(messages.size > 60, `only ${messages.size} messages found`);
  const dropped = [...messages]
    .flatMap(([message, fields]) => fields.map((field) => ({ name: `${message}.${field}`, field })))
    .filter(({ name, field }) => !words.has(field) && !(name in without));
  assert.deepEqual(
    dropped.map(({ name }) => name),
    [],
  );
});

test("no reason stands for a field that is read after all, or that CRI does not have", () => {
  const fields = [...asked()].flatMap(([message, names]) => names.map((field) => `${message}.${field}`));
  for (const name of Object.keys(without)) assert.ok(fields.includes(name), name);
});
