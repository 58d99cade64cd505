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
  ["192.168.0.1", "docker.io/library/192.168.0.1:latest"],
  ["192.168.0.1:80", "docker.io/library/192.168.0.1:80"],
  ["192.168.0.1:8/debian", "192.168.0.1:8/debian:latest"],
  ["LOCALDOMAIN/library/debian", "LOCALDOMAIN/library/debian:latest"],
  ["Docker/docker", "Docker/docker:latest"],
  ["index.docker.io/docker/docker", "docker.io/docker/docker:latest"],
  ["docker.io/library/a/b", "docker.io/library/a/b:latest"],
  ["[fc00::1]:5000/docker", "[fc00::1]:5000/docker:latest"],
  ["[fc00:1:2:3:4:5:6:7]:5000/library/debian", "[fc00:1:2:3:4:5:6:7]:5000/library/debian:latest"],
  ["sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com/bar/baz/quux:some-long-tag"],
  ["b.gcr.io/test.example.com/my-app:test.example.com", "b.gcr.io/test.example.com/my-app:test.example.com"],
  ["foo_bar.com:8080", "docker.io/library/foo_bar.com:8080"],
  ["foo/foo_bar.com:8080", "docker.io/foo/foo_bar.com:8080"],
  [`docker.io/${"1a3f5e7d9c1b3a5f".repeat(4)}`, `docker.io/library/${"1a3f5e7d9c1b3a5f".repeat(4)}:latest`],
  [`test:5000/repo@sha512:${"f".repeat(128)}`, `test:5000/repo@sha512:${"f".repeat(128)}`],
  [`alpine:${"t".repeat(128)}`, `docker.io/library/alpine:${"t".repeat(128)}`],
  [`host.example/${"a".repeat(255)}`, `host.example/${"a".repeat(255)}:latest`],
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
  ["fe80::1:5000/debian", /no registry host/],
  ["[fc00::1]", /no repository name/],
  ["[fc00::1]:5000", /no repository name/],
  ["[2001:db8:3:4::192.0.2.33]:5000/debian", /no registry host/],
  ["[]/x", /no repository name/],
  ["-docker.io/docker/docker", /no registry host/],
  ["docker-/docker", /no repository name/],
  ["____/____", /no repository name/],
  ["dock..er/docker", /no registry host/],
  ["docker/dock_.er", /no repository name/],
  ["docker/dock___er", /no repository name/],
  ["docker.io/docker/Docker", /lower case/],
  ["foo_bar.com:8080/x", /no registry host/],
  ["repo@sha256:ffffffffffffffffffffffffffffffffff", /64 hex digits/],
  ["validname@invaliddigest:ffff", /no digest/],
  [`@sha256:${"f".repeat(64)}`, /no repository name/],
  [`repo@SHA256:${"f".repeat(64)}`, /"SHA256" is not known/],
  [`repo@${digest}:tag`, /no digest/],
  [`repo@${digest}@${digest}`, /no digest/],
  ["repo:a:b", /no tag/],
  ["repo:tag/x", /no registry host/],
  ["repo ", /no repository name/],
  ["repo\n", /no repository name/],
  ["repo:tag\n", /no tag/],
  [`host.example/${"a".repeat(256)}`, /at most 255/],
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
