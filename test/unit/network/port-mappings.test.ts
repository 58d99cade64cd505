import assert from "node:assert/strict";
import { test } from "node:test";
import type { PortMapping as RequestedMapping } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { bindAddresses, describe, hostPortMappings, overlap } from "../../../src/network/port-mappings.ts";

const requested = (more: Partial<RequestedMapping> = {}): RequestedMapping => ({
  protocol: 0,
  containerPort: 80,
  hostPort: 8080,
  hostIp: "",
  ...more,
});
const refusal = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof LichenError && error.code === code && message.test(error.message);

test("mappings with a host port are taken, each once; the others mean nothing", () => {
  const mappings = hostPortMappings([
    requested(),
    requested({ hostPort: 0 }),
    requested(),
    requested({ protocol: 1, hostIp: "::1" }),
  ]);
  assert.deepEqual(mappings.map(describe), ["*:8080->80/tcp", "[::1]:8080->80/udp"]);
});

test("what cannot be done is refused", () => {
  const cases: [Partial<RequestedMapping>, string, RegExp][] = [
    [{ protocol: 2 }, "UNIMPLEMENTED", /8080\/sctp: host ports are TCP or UDP/],
    [{ protocol: 7 as never }, "INVALID_ARGUMENT", /protocol 7/],
    [{ hostPort: 65_536 }, "INVALID_ARGUMENT", /65536 is not a port/],
    [{ hostPort: -1 }, "INVALID_ARGUMENT", /-1 is not a port/],
    [{ containerPort: 0 }, "INVALID_ARGUMENT", /0 is not a port/],
    [{ hostIp: "example" }, "INVALID_ARGUMENT", /example is not an IP address/],
  ];
  for (const [more, code, message] of cases)
    assert.throws(() => hostPortMappings([requested(more)]), refusal(code, message));
  // Without a host port nothing is asked for.
  assert.deepEqual(hostPortMappings([requested({ protocol: 2, hostPort: 0 })]), []);
});

test("one host port cannot lead to two places", () => {
  assert.throws(
    () => hostPortMappings([requested(), requested({ containerPort: 81, hostIp: "127.0.0.1" })]),
    refusal("INVALID_ARGUMENT", /mapped twice: also as \*:8080->80\/tcp/),
  );
  assert.equal(
    hostPortMappings([requested({ hostIp: "127.0.0.1" }), requested({ hostIp: "127.0.0.2" })]).length,
    2,
  );
});

test("overlaps are of protocol, port, family and address", () => {
  const of = (hostIp: string, protocol: "tcp" | "udp" = "tcp", hostPort = 80) => ({
    protocol,
    hostIp,
    hostPort,
    containerPort: 1,
  });
  assert.ok(overlap(of(""), of("")));
  assert.ok(overlap(of(""), of("10.0.0.1")));
  assert.ok(overlap(of("::"), of("::1")));
  assert.ok(overlap(of("0.0.0.0"), of("127.0.0.1")));
  assert.ok(!overlap(of("0.0.0.0"), of("::1")));
  assert.ok(!overlap(of("10.0.0.1"), of("10.0.0.2")));
  assert.ok(!overlap(of(""), of("", "udp")));
  assert.ok(!overlap(of(""), of("", "tcp", 81)));
  assert.deepEqual(bindAddresses(of("")), ["0.0.0.0", "::"]);
});
