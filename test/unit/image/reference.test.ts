import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LichenError } from "../../../src/errors.ts";
import { formatReference, type ImageReference, parseReference } from "../../../src/image/reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

// From the tests of distribution/reference (normalize_test.go, reference_test.go).
const good: [string, string][] = [
  ["alpine", "docker.io/library/alpine:latest"],
  ["alpine:3.20", "docker.io/library/alpine:3.20"],
  ["docker/docker", "docker.io/docker/docker:latest"],
  ["docker.io/alpine", "docker.io/library/alpine:latest"],
  ["index.docker.io/alpine", "docker.io/library/alpine:latest"],
  ["index.docker.io/a/b", "docker.io/a/b:latest"],
  ["docker.io/library/alpine", "docker.io/library/alpine:latest"],
  ["localhost/x", "localhost/x:latest"],
  ["localhost:5000/x:y", "localhost:5000/x:y"],
  ["127.0.0.1:5000/docker/docker", "127.0.0.1:5000/docker/docker:latest"],
  ["[2001:db8::1]:5000/repo:tag", "[2001:db8::1]:5000/repo:tag"],
  ["[::1]/repo", "[::1]/repo:latest"],
  ["Uppercase/lowercase", "Uppercase/lowercase:latest"],
  ["thisisthesongthatneverends/a/b/c", "docker.io/thisisthesongthatneverends/a/b/c:latest"],
  ["a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g:latest"],
  [`alpine@${digest}`, `docker.io/library/alpine@${digest}`],
  [`alpine:3@${digest}`, `docker.io/library/alpine:3@${digest}`],
  ["test.com/repo:UPPER_tag.1-x", "test.com/repo:UPPER_tag.1-x"],
  ["xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com/myimage:xn--n3h.com"],
  [`a/${"a".repeat(240)}`, `docker.io/a/${"a".repeat(240)}:latest`],
];

const bad: [string, RegExp][] = [
  ["", /empty/],
  ["a".repeat(64), /64 hex digits/],
  ["Alpine", /lower case/],
  ["docker.io/Alpine", /lower case/],
  ["https://github.com/docker/docker", /"https:" is no registry host/],
  ["docker/Docker", /lower case/],
  ["-docker", /no repository name/],
  ["docker/-docker", /no repository name/],
  ["docker///docker", /no repository name/],
  ["docker.io/docker///docker", /no repository name/],
  ["docker.io/", /no repository name/],
  ["library/", /no repository name/],
  ["alpine:", /"" is no tag/],
  ["alpine:-x", /no tag/],
  [`alpine:${"t".repeat(129)}`, /no tag/],
  ["alpine@sha256:1234", /no digest/],
  [`alpine@sha256:${"A".repeat(64)}`, /lower-case/],
  [`alpine@md5:${"a".repeat(32)}`, /algorithm "md5"/],
  [`alpine@sha512:${"a".repeat(64)}`, /128 hex digits/],
  ["aa/asdf$$^/aa", /no repository name/],
  ["a//b", /no repository name/],
  ["a..b/c", /no registry host/],
  ["host:port/x", /no registry host/],
  ["[fe80::1%eth0]/x", /no registry host/],
  ["alpine latest", /no repository name/],
  ["al\0pine", /no repository name/],
  [`a/${"a".repeat(256)}`, /at most 255/],
];

for (const [text, whole] of good)
  test(`"${text.slice(0, 60)}" is ${whole.slice(0, 60)}`, () => {
    assert.equal(formatReference(parseReference(text)), whole);
  });

for (const [text, reason] of bad)
  test(`${JSON.stringify(text.slice(0, 60))} is refused`, () => {
    assert.throws(
      () => parseReference(text),
      (error) => {
        assert.ok(error instanceof LichenError);
        assert.equal(error.code, "INVALID_ARGUMENT");
        assert.match(error.reason, reason);
        assert.ok(error.hint);
        return true;
      },
    );
  });

const letters = (characters: string, minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...characters), { minLength, maxLength }).map((parts) => parts.join(""));
const alphanumeric = letters("abcxyz0189", 1, 6);
const separator = fc.constantFrom(".", "_", "__", "-", "---");
const component = fc
  .tuple(alphanumeric, fc.array(fc.tuple(separator, alphanumeric), { maxLength: 2 }))
  .map(([first, rest]) => first + rest.flat().join(""));
const repository = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const port = fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined });
const host = fc.constantFrom("localhost", "registry.example", "127.0.0.1", "[::1]", "UPPER.example");
const registry = fc
  .tuple(host, port)
  .map(([name, number]) => (number === undefined ? name : `${name}:${number}`));
const tag = letters("abcXYZ019_.-", 1, 20).filter((text) => !/^[.-]/.test(text));
const reference: fc.Arbitrary<ImageReference> = fc.oneof(
  fc.record({ registry, repository, tag }),
  fc.record({ registry, repository, digest: fc.constant(digest) }),
  fc.record({ registry, repository, tag, digest: fc.constant(digest) }),
);

test("every well-formed reference is understood, part by part", () => {
  fc.assert(
    fc.property(reference, (whole) => {
      assert.deepEqual(parseReference(formatReference(whole)), { ...whole });
    }),
  );
});

test("whatever is accepted is normalised once and for all", () => {
  const pieces = fc.constantFrom(
    "a",
    "B",
    "0",
    "/",
    ":",
    "@",
    ".",
    "-",
    "_",
    "localhost",
    "[::1]",
    digest,
    "\n",
    "é",
  );
  const text = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (input) => {
      let parsed: ImageReference;
      try {
        parsed = parseReference(input);
      } catch (error) {
        assert.ok(error instanceof LichenError);
        return;
      }
      const whole = formatReference(parsed);
      assert.deepEqual(parseReference(whole), parsed);
      assert.match(whole, /^[\x21-\x7e]+$/);
    }),
    { numRuns: 2000 },
  );
});
