import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configure } from "../../conformance/images/busybox.ts";
import { parseDeb822, parseSourcesList } from "../../conformance/packages.ts";
import { goMinor, newestGo } from "../../conformance/tools.ts";

describe("the machine's package sources", () => {
  it("are read in the one-line form", () => {
    const text = `# deb http://mirror.test/debian old main
deb http://mirror.test/debian bookworm main contrib # a comment
deb-src http://mirror.test/debian bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg] https://mirror.test/other stable main
`;
    assert.deepEqual(parseSourcesList(text), [
      { uri: "http://mirror.test/debian", suites: ["bookworm"], components: ["main", "contrib"] },
      { uri: "https://mirror.test/other", suites: ["stable"], components: ["main"], signedBy: "/keys/a.gpg" },
    ]);
  });

  it("are read in the deb822 form", () => {
    const text = `Types: deb deb-src
# a snapshot
URIs: http://mirror.test/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb-src
URIs: http://mirror.test/sources-only
Suites: trixie
Components: main

Enabled: no
Types: deb
URIs: http://mirror.test/disabled
Suites: trixie
Components: main

types: deb
uris: http://mirror.test/a http://mirror.test/b
suites: sid
components: main
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`;
    assert.deepEqual(parseDeb822(text), [
      {
        uri: "http://mirror.test/debian",
        suites: ["trixie", "trixie-updates"],
        components: ["main"],
        signedBy: "/keys/debian.gpg",
      },
      { uri: "http://mirror.test/a", suites: ["sid"], components: ["main"] },
      { uri: "http://mirror.test/b", suites: ["sid"], components: ["main"] },
    ]);
  });
});

describe("Go", () => {
  it("is judged by what `go version` says", () => {
    assert.equal(goMinor("go version go1.26.2 linux/amd64"), 26);
    assert.equal(goMinor("go version go1.19 linux/amd64"), 19);
    assert.equal(goMinor(""), 0);
  });

  it("is taken from the newest package that is new enough", () => {
    assert.equal(
      newestGo(["golang-1.19-go", "golang-1.23-go", "golang-1.22-go", "golang-1.24-doc"]),
      "golang-1.23-go",
    );
    assert.equal(newestGo(["golang-1.19-go", "golang-go"]), undefined);
  });
});

describe("busybox's build options", () => {
  const defaults = "CONFIG_TC=y\n# CONFIG_STATIC is not set\nCONFIG_STATIC_LIBGCC=y\n";

  it("are switched on and off, each only itself", () => {
    assert.equal(
      configure(defaults, [
        ["STATIC", true],
        ["TC", false],
      ]),
      "# CONFIG_TC is not set\nCONFIG_STATIC=y\nCONFIG_STATIC_LIBGCC=y\n",
    );
  });

  it("must exist", () => {
    assert.throws(() => configure(defaults, [["NO_SUCH_OPTION", true]]), /NO_SUCH_OPTION/);
  });
});
