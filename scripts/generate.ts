// Makes proto/generated/ from proto/{runtime,lichen}/v1/*.proto: types for TypeScript (cri.ts, lichen.ts) and the descriptor
// that the wire codec is built from at start (descriptor.ts), so that nothing parses .proto files at run time.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";

const proto = join(dirname(import.meta.dirname), "proto");
const generated = join(proto, "generated");
const numbers = new Set(["double", "float", "int32", "uint32", "sint32", "fixed32", "sfixed32"]);
const bigNumbers = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

function parse(folder: string): protobuf.Namespace {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(proto, target);
  const files = readdirSync(join(proto, folder)).filter((name) => name.endsWith(".proto"));
  root.loadSync(
    files.sort().map((name) => `${folder}/${name}`),
    { alternateCommentMode: true, preferTrailingComment: false },
  );
  root.resolveAll();
  return root.lookup(folder.replace("/", ".")) as protobuf.Namespace;
}

/** Name of a message or enum in TypeScript: nested ones are joined, as `SecurityProfileProfileType`. */
function typeName(type: protobuf.ReflectionObject): string {
  const parent = type.parent;
  return parent instanceof protobuf.Type ? `${typeName(parent)}${type.name}` : type.name;
}

function valueType(field: protobuf.Field): string {
  if (field.resolvedType) return typeName(field.resolvedType);
  if (numbers.has(field.type)) return "number";
  if (bigNumbers.has(field.type)) return "number";
  if (field.type === "bytes") return "Uint8Array";
  return field.type === "bool" ? "boolean" : "string";
}

function fieldType(field: protobuf.Field): string {
  const value = valueType(field);
  if (field.map) return `Record<string, ${value}>`;
  if (field.repeated) return `${value}[]`;
  return field.resolvedType instanceof protobuf.Type ? `${value} | null` : value;
}

function comment(text: string | null, indent: string): string {
  return text ? `${indent}/** ${text.split("\n").join(`\n${indent} * `)} */\n` : "";
}

function enumSource(type: protobuf.Enum): string {
  const name = typeName(type);
  const members = Object.entries(type.values).map(([key, number]) => `  ${key}: ${number},\n`);
  return `${comment(type.comment, "")}export const ${name} = {\n${members.join("")}} as const;
export type ${name} = (typeof ${name})[keyof typeof ${name}];\n`;
}

function messageSource(type: protobuf.Type): string {
  const fields = type.fieldsArray.map(
    (field) => `${comment(field.comment, "  ")}  ${field.name}: ${fieldType(field)};\n`,
  );
  const nested = type.nestedArray.map(source).join("\n");
  const declaration =
    fields.length === 0
      ? `export type ${typeName(type)} = Record<string, never>;\n`
      : `export interface ${typeName(type)} {\n${fields.join("")}}\n`;
  return `${comment(type.comment, "")}${declaration}${nested && `\n${nested}`}`;
}

/** `true`: a stream of answers; `"both"`: one of requests as well. */
function streams(rpc: protobuf.Method): string {
  if (rpc.requestStream) return '"both"';
  return String(rpc.responseStream === true);
}

function serviceSource(service: protobuf.Service): string {
  const rpcs = service.methodsArray.map(
    (rpc) =>
      `${comment(rpc.comment, "  ")}  ${rpc.name}: { request: ${rpc.requestType}; response: ${rpc.responseType}; stream: ${streams(rpc)} };\n`,
  );
  return `${comment(service.comment, "")}export interface ${service.name} {\n${rpcs.join("")}}\n`;
}

function source(object: protobuf.ReflectionObject): string {
  if (object instanceof protobuf.Enum) return enumSource(object);
  if (object instanceof protobuf.Type) return messageSource(object);
  if (object instanceof protobuf.Service) return serviceSource(object);
  throw new Error(`no TypeScript for ${object.fullName}`);
}

const head = "// Made by scripts/generate.ts from the .proto files beside; not edited, not committed.\n";
const outgoing = `
/**
 * A message to be sent: what is left out has its default, and 64-bit numbers beyond 2^53 (times in nanoseconds) may be
 * given as decimal strings, or as their two halves, which costs less.
 */
export type Outgoing<T> = T extends Uint8Array | string | boolean | null
  ? T
  : T extends number
    ? number extends T
      ? number | string | Halves
      : T
    : T extends (infer E)[]
      ? readonly Outgoing<E>[]
      : string extends keyof T
        ? { readonly [K in keyof T]: Outgoing<T[K]> }
        : { readonly [K in keyof T]?: Outgoing<T[K]> | undefined };

/** A 64-bit number as two of 32 bits, without signs. */
export interface Halves {
  readonly low: number;
  readonly high: number;
}
`;

const cri = parse("runtime/v1");
const lichen = parse("lichen/v1");
const types = (namespace: protobuf.Namespace) => namespace.nestedArray.map(source).join("\n");
const descriptor = JSON.stringify({
  nested: { runtime: { nested: { v1: cri.toJSON() } }, lichen: { nested: { v1: lichen.toJSON() } } },
});
mkdirSync(generated, { recursive: true });
writeFileSync(join(generated, "cri.ts"), `${head}${outgoing}\n${types(cri)}`);
writeFileSync(join(generated, "lichen.ts"), `${head}\n${types(lichen)}`);
writeFileSync(
  join(generated, "descriptor.ts"),
  `${head}export const descriptor = JSON.parse(\n  ${JSON.stringify(descriptor)},\n);\n`,
);
