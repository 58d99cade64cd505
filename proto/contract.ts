import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs/light.js";
import { descriptor } from "./generated/descriptor.ts";

/**
 * Decoded messages have every field (message fields `null` when absent), enums are numbers, 64-bit numbers are numbers:
 * exact up to 2^53, which loses less than a microsecond of a time in nanoseconds.
 */
const decoding: protobuf.IConversionOptions = { longs: Number, defaults: true, arrays: true, objects: true };
const root = protobuf.Root.fromJSON(descriptor);

/** The gRPC service `runtime.v1.<name>` with its codec, for a grpc-js server or client. Methods are named as in the .proto. */
export function serviceDefinition(name: "RuntimeService" | "ImageService"): ServiceDefinition {
  const service = root.lookupService(`runtime.v1.${name}`);
  service.resolveAll();
  return Object.fromEntries(
    service.methodsArray.map((rpc) => [rpc.name, methodDefinition(`runtime.v1.${name}`, rpc)]),
  );
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
    serialize: (message: object) => Buffer.from(type.encode(type.fromObject(message)).finish()),
    deserialize: (bytes: Buffer) => type.toObject(type.decode(bytes), decoding),
  };
}
