import protobuf from "protobufjs/light.js";
import { descriptor } from "../../../proto/generated/descriptor.ts";

/** What decides the wire form of a contract; the Go program in descriptors/ prints the same for k8s.io/cri-api. */
export interface Report {
  messages: Record<string, Record<string, Field>>;
  enums: Record<string, Record<string, number>>;
  services: Record<string, Record<string, Method>>;
}

interface Field {
  number: number;
  type: string;
  repeated: boolean;
  mapKey: string;
  optional: boolean;
  packed: boolean;
  oneof: string;
}

interface Method {
  request: string;
  response: string;
  requestStream: boolean;
  responseStream: boolean;
}

/** The CRI contract that lichen serves, from the descriptor that its codec is made of. */
export function ourReport(): Report {
  const report: Report = { messages: {}, enums: {}, services: {} };
  const contract = protobuf.Root.fromJSON(descriptor).resolveAll().lookup("runtime.v1");
  if (contract instanceof protobuf.Namespace) collect(contract, report);
  return report;
}

function collect(namespace: protobuf.NamespaceBase, report: Report): void {
  for (const object of namespace.nestedArray) {
    const name = fullName(object);
    if (object instanceof protobuf.Type) {
      report.messages[name] = Object.fromEntries(
        object.fieldsArray.map((field) => [protoName(field), describe(field)]),
      );
    }
    if (object instanceof protobuf.Enum) report.enums[name] = { ...object.values };
    if (object instanceof protobuf.Service) report.services[name] = methods(object);
    if (object instanceof protobuf.Namespace) collect(object, report);
  }
}

function describe(field: protobuf.Field): Field {
  return {
    number: field.id,
    type: field.resolvedType ? fullName(field.resolvedType) : field.type,
    repeated: field.repeated,
    mapKey: field instanceof protobuf.MapField ? field.keyType : "",
    optional: field.options?.proto3_optional === true,
    packed: field.repeated && field.packed && isPackable(field),
    oneof: field.partOf && !field.partOf.isProto3Optional ? field.partOf.name : "",
  };
}

/** Only numbers, booleans and enums can be packed; protobufjs says packed of every repeated field. */
function isPackable(field: protobuf.Field): boolean {
  return field.resolvedType instanceof protobuf.Enum || field.type in protobuf.types.packed;
}

function methods(service: protobuf.Service): Record<string, Method> {
  return Object.fromEntries(
    service.methodsArray.map((rpc) => [
      rpc.name,
      {
        request: fullName(rpc.resolvedRequestType),
        response: fullName(rpc.resolvedResponseType),
        requestStream: rpc.requestStream === true,
        responseStream: rpc.responseStream === true,
      },
    ]),
  );
}

function fullName(object: protobuf.ReflectionObject | null): string {
  return object?.fullName.slice(1) ?? "";
}

function protoName(field: protobuf.Field): string {
  return field.protoName ?? field.name;
}
