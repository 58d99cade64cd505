import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs/light.js";
import type { Outgoing } from "./generated/cri.ts";
import { descriptor } from "./generated/descriptor.ts";

/**
 * Decoded messages have every field (message fields `null` when absent), enums are numbers, 64-bit numbers are numbers:
 * exact up to 2^53, which loses less than a microsecond of a time in nanoseconds.
 */
const decoding: protobuf.IConversionOptions = { longs: Number, defaults: true, arrays: true, objects: true };
const root = protobuf.Root.fromJSON(descriptor);

/**
 * A message of CRI in its encoded form, to be put into any other in its place, again and again: lists of hundreds of objects, of which a few have
 * changed since the last answer, are not encoded anew. It has no members to be read.
 */
export function encoded<T>(name: string, message: Outgoing<T>): Outgoing<T> {
  // What an encoder finds here it writes as it is: bytes of fields that it does not know.
  return { $unknowns: [encode(type(name), message as object)] } as object as Outgoing<T>;
}

/** Writes every message; a writer of its own would leave behind twice the message's size, in parts that grow. */
let writer = protobuf.Writer.create();
const largestWriter = 1024 * 1024;
/** Larger answers are lent. */
const lentBytes = 16 * 1024;

function encode(type: protobuf.Type, message: object): Buffer {
  return written(type, message, ({ buf, pos }) => Buffer.from(buf.subarray(0, pos)));
}

/**
 * For grpc-js's server, which copies each answer behind a head of its own at once: a large one are the writer's own bytes, good until the
 * next message is written. Memory outside V8's heap makes it collect the whole heap, which lists of hundreds of pods would wait for.
 */
function encodeAnswer(type: protobuf.Type, message: object): Buffer {
  return written(type, message, ({ buf, pos }) => {
    const bytes = buf.subarray(0, pos);
    return pos > lentBytes ? Buffer.from(bytes.buffer, bytes.byteOffset, pos) : Buffer.from(bytes);
  });
}

function written(type: protobuf.Type, message: object, take: (writer: protobuf.Writer) => Buffer): Buffer {
  try {
    type.encode(message, writer);
    return take(writer);
  } finally {
    // A message that could not be encoded may leave nested ones open.
    if (writer.buf.length > largestWriter || writer.states?.length) writer = protobuf.Writer.create();
    else writer.reset();
  }
}

function type(name: string): protobuf.Type {
  return root.lookupType(`runtime.v1.${name}`);
}

/** CRI's services, and lichen's own beside them. */
const packages = { RuntimeService: "runtime.v1", ImageService: "runtime.v1", Images: "lichen.v1" } as const;
export type ServiceName = keyof typeof packages;

/** A gRPC service with its codec, for a grpc-js server or client. Methods are named as in the .proto. */
export function serviceDefinition(name: ServiceName): ServiceDefinition {
  const fullName = `${packages[name]}.${name}`;
  const service = root.lookupService(fullName);
  service.resolveAll();
  return Object.fromEntries(service.methodsArray.map((rpc) => [rpc.name, methodDefinition(fullName, rpc)]));
}

function methodDefinition(service: string, rpc: protobuf.Method): MethodDefinition<object, object> {
  const request = codec(rpc.resolvedRequestType);
  const response = codec(rpc.resolvedResponseType);
  return {
    path: `/${service}/${rpc.name}`,
    requestStream: rpc.requestStream === true,
    responseStream: rpc.responseStream === true,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serializeAnswer,
    responseDeserialize: response.deserialize,
    originalName: rpc.name,
  };
}

function codec(type: protobuf.Type | null) {
  if (!type) throw new Error("the descriptor names a message that it does not hold");
  return {
    // As they are, without fromObject(): it would copy each message first, for conversions that no Outgoing message needs.
    serialize: (message: object) => encode(type, message),
    serializeAnswer: (message: object) => encodeAnswer(type, message),
    deserialize: (bytes: Buffer) => type.toObject(type.decode(bytes), decoding),
  };
}

/**
 * A decoded message under the field names of the .proto, without what has its default and with bytes as text: the form in
 * which people know these messages from `crictl` and from other runtimes.
 */
export function contractJson(name: string, message: object): object {
  return named(type(name), message);
}

function named(type: protobuf.Type, message: object): object {
  const values = message as Record<string, unknown>;
  return Object.fromEntries(
    type.fieldsArray.flatMap((field) => {
      const value = values[field.name];
      return isDefault(value) ? [] : [[field.protoName ?? field.name, namedValue(field, value)]];
    }),
  );
}

function namedValue(field: protobuf.FieldBase, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => namedValue(field, element));
  const type = field.resolve().resolvedType;
  if (type instanceof protobuf.Type && !(field instanceof protobuf.MapField))
    return named(type, value as object);
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}

function isDefault(value: unknown): boolean {
  if (typeof value === "object" && value !== null)
    return !(value instanceof Uint8Array) && Object.keys(value).length === 0;
  return !value;
}
