import assert from "node:assert/strict";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { resolvePaths, socketPath } from "../../../src/config/paths.ts";

describe("paths", () => {
  it("follow the XDG variables", () => {
    const env = {
      HOME: "/home/u",
      XDG_RUNTIME_DIR: "/run/user/7",
      XDG_DATA_HOME: "/data",
      XDG_CONFIG_HOME: "/conf",
    };
    assert.deepEqual(resolvePaths({}, env, 7), {
      runtimeDir: "/run/user/7/lichen",
      dataDir: "/data/lichen",
      configFile: "/conf/lichen/config.toml",
      configGiven: false,
      certsDir: "/conf/lichen/certs.d",
      policyFiles: ["/conf/containers/policy.json", "/etc/containers/policy.json"],
    });
  });

  it("have defaults below the home directory, and a runtime directory of the user's own", () => {
    assert.deepEqual(resolvePaths({}, { HOME: "/home/u" }, 1001), {
      runtimeDir: "/tmp/lichen-1001",
      dataDir: "/home/u/.local/share/lichen",
      configFile: "/home/u/.config/lichen/config.toml",
      configGiven: false,
      certsDir: "/home/u/.config/lichen/certs.d",
      policyFiles: ["/home/u/.config/containers/policy.json", "/etc/containers/policy.json"],
    });
  });

  it("ignore XDG variables that are not absolute", () => {
    const env = { HOME: "/home/u", XDG_RUNTIME_DIR: "run", XDG_DATA_HOME: "", XDG_CONFIG_HOME: "./c" };
    assert.equal(resolvePaths({}, env, 5).runtimeDir, "/tmp/lichen-5");
    assert.equal(resolvePaths({}, env, 5).dataDir, "/home/u/.local/share/lichen");
    assert.equal(resolvePaths({}, env, 5).configFile, "/home/u/.config/lichen/config.toml");
  });

  it("find a home directory without HOME", () => {
    assert.ok(resolvePaths({}, {}, 0).dataDir.startsWith(homedir()));
  });

  it("are moved by flags, which are relative to where they are given", () => {
    const env = { HOME: "/home/u", XDG_RUNTIME_DIR: "/run/user/7" };
    assert.deepEqual(
      resolvePaths({ runtimeDir: "r", dataDir: "/d/", config: "/etc/x/lichen.toml" }, env, 7),
      {
        runtimeDir: resolve("r"),
        dataDir: "/d",
        configFile: "/etc/x/lichen.toml",
        configGiven: true,
        certsDir: "/etc/x/certs.d",
        policyFiles: ["/home/u/.config/containers/policy.json", "/etc/containers/policy.json"],
      },
    );
  });

  it("end in the socket that clients know", () => {
    assert.equal(socketPath("/run/user/7/lichen"), "/run/user/7/lichen/lichen.sock");
  });
});
