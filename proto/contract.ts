import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs/light.js";
import { descriptor } from "./generated/descriptor.ts";

/**
 * Decoded messages have every field (message fields `null` when absent), enums are numbers, 64-bit numbers are numbers:
 * exact up to 2^53, which loses less than a microsecond of a time in nanoseconds.
 */
const decoding: protobuf.IConversionOptions = { longs: Number, defaults: true, arrays: true, objects: true };
const root = protobuf.Root.fromJSON(descriptor);

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
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
    originalName: rpc.name,
  };
}

function codec(type: protobuf.Type | null) {
  if (!type) throw new Error("the descriptor names a message that it does not hold");
  return {
    // As they are, without fromObject(): it would copy each message first, for conversions that no Outgoing message needs.
    serialize: (message: object) => asBuffer(type.encode(message).finish()),
    deserialize: (bytes: Buffer) => type.toObject(type.decode(bytes), decoding),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A decoded message under the field names of the .proto, without what has its default and with bytes as text: the form in
 * which people know these messages from `crictl` and from other runtimes.
 */
export function contractJson(name: string, message: object): object {
  return named(root.lookupType(`runtime.v1.${name}`), message);
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
