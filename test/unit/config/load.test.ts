import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { loadConfig, parseConfig } from "../../../src/config/load.ts";
import { LichenError } from "../../../src/errors.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-config-"));
after(() => rmSync(directory, { recursive: true }));

function refusal(text: string): LichenError {
  try {
    parseConfig(text, "config.toml");
  } catch (error) {
    assert.ok(error instanceof LichenError);
    return error;
  }
  assert.fail("the configuration was accepted");
}

describe("configuration", () => {
  it("is complete without a file", () => {
    assert.deepEqual(loadConfig(join(directory, "none.toml"), { required: false }), {
      log: { level: "info" },
      logs: { max_size: 0, max_files: 5 },
      cgroups: { missing: "refuse", driver: "auto", subtree: "auto" },
      containers: { rlimits: {} },
      network: {
        uplink: "auto",
        driver: "bridge",
        cni_config_directories: ["/etc/cni/net.d"],
        cni_plugin_directories: ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"],
        cni_timeout_seconds: 60,
        subnet: "10.210.0.0/16",
        ipv6: true,
        isolate_pods: false,
        host_loopback: false,
      },
      streaming: {
        address: "127.0.0.1",
        port: 0,
        idle_seconds: 14_400,
        exec_grace_seconds: 5,
        max_connections: 2048,
        max_streams: 2048,
      },
      metrics: { address: "127.0.0.1", port: 0 },
      images: {
        plain_http: [],
        workers: 0,
        pinned: [],
        gc_high_percent: 0,
        gc_low_percent: 80,
        connections_per_registry: 6,
        stall_seconds: 30,
        devices: "skip",
        max_layer_bytes: 34_359_738_368,
        max_layer_entries: 5_000_000,
      },
    });
  });

  it("takes every key", () => {
    const config = parseConfig(
      `
      [log]
      level = "debug"
      [logs]
      max_size = "10MiB"
      max_files = 3
      [cgroups]
      missing = "warn"
      subtree = "/sys/fs/cgroup/x"
      driver = "systemd"
      [containers.rlimits]
      NOFILE = "1024:4096"
      CORE = "0"
      [metrics]
      address = "::1"
      port = 9090
      [network]
      uplink = "slirp4netns"
      driver = "cni"
      cni_config_directories = ["/srv/cni/net.d"]
      cni_plugin_directories = ["/srv/cni/bin"]
      cni_timeout_seconds = 5
      cni_template = "/srv/cni/template"
      subnet = "172.20.0.0/20"
      ipv6 = false
      subnet6 = "fd00:1::/64"
      isolate_pods = true
      host_loopback = true
      [streaming]
      address = "::1"
      port = 10250
      idle_seconds = 60
      exec_grace_seconds = 1
      max_connections = 100
      max_streams = 50
      [images]
      certs_directories = ["/etc/lichen/certs.d"]
      plain_http = ["registry.local:5000", "[fd00::1]:5000"]
      workers = 4
      connections_per_registry = 2
      stall_seconds = 5
      pinned = ["registry.k8s.io/pause:*"]
      gc_high_percent = 85
      gc_low_percent = 70
      devices = "record"
      max_layer_bytes = 1_000_000_000
      max_layer_entries = 10_000
      `,
      "config.toml",
    );
    assert.deepEqual(config, {
      log: { level: "debug" },
      logs: { max_size: 10_485_760, max_files: 3 },
      cgroups: { missing: "warn", driver: "systemd", subtree: "/sys/fs/cgroup/x" },
      containers: { rlimits: { NOFILE: "1024:4096", CORE: "0" } },
      metrics: { address: "::1", port: 9090 },
      network: {
        uplink: "slirp4netns",
        driver: "cni",
        cni_config_directories: ["/srv/cni/net.d"],
        cni_plugin_directories: ["/srv/cni/bin"],
        cni_timeout_seconds: 5,
        cni_template: "/srv/cni/template",
        subnet: "172.20.0.0/20",
        ipv6: false,
        subnet6: "fd00:1::/64",
        isolate_pods: true,
        host_loopback: true,
      },
      streaming: {
        address: "::1",
        port: 10_250,
        idle_seconds: 60,
        exec_grace_seconds: 1,
        max_connections: 100,
        max_streams: 50,
      },
      images: {
        certs_directories: ["/etc/lichen/certs.d"],
        plain_http: ["registry.local:5000", "[fd00::1]:5000"],
        workers: 4,
        connections_per_registry: 2,
        stall_seconds: 5,
        pinned: ["registry.k8s.io/pause:*"],
        gc_high_percent: 85,
        gc_low_percent: 70,
        devices: "record",
        max_layer_bytes: 1_000_000_000,
        max_layer_entries: 10_000,
      },
    });
  });

  it("fails when a file that was named is missing, and says which", () => {
    const file = join(directory, "missing.toml");
    assert.throws(() => loadConfig(file, { required: true }), {
      code: "NOT_FOUND",
      message: `read configuration ${file}: no such file`,
    });
  });

  it("fails when the file cannot be read, named or not", () => {
    assert.throws(() => loadConfig(directory, { required: false }), {
      code: "PERMISSION_DENIED",
      object: directory,
    });
  });

  it("reads a file", () => {
    const file = join(directory, "config.toml");
    writeFileSync(file, "[images]\nworkers = 2\n");
    assert.equal(loadConfig(file, { required: true }).images.workers, 2);
  });

  it("names the place of a syntax error", () => {
    const error = refusal("[log]\nlevel = = 3\n");
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.match(error.message, /^read configuration config\.toml: line 2, column 9: /);
  });

  const refusals: [string, string][] = [
    [
      'log.level = "loud"',
      'log.level = "loud": must be one of "trace", "debug", "info", "warn", "error", "fatal", "silent"',
    ],
    ['cgroups.subtree = "x"', 'cgroups.subtree = "x": must be "auto", "none" or an absolute path'],
    ['cgroups.missing = "ignore"', 'cgroups.missing = "ignore": must be one of "refuse", "warn"'],
    ["network.uplink = 3", 'network.uplink = 3: must be one of "auto", "pasta", "slirp4netns", "none"'],
    [
      "network.bridge = 'br0'",
      "network.bridge: unknown key; known here: uplink, driver, cni_config_directories, cni_plugin_directories, cni_timeout_seconds, cni_template, subnet, ipv6, subnet6, isolate_pods, host_loopback",
    ],
    [
      "network.cni_plugin_directories = []",
      "network.cni_plugin_directories = []: must be a list of at least one absolute path",
    ],
    [
      "network.cni_config_directories = ['net.d']",
      'network.cni_config_directories.0 = "net.d": must be an absolute path',
    ],
    [
      "network.cni_timeout_seconds = 0",
      "network.cni_timeout_seconds = 0: must be whole seconds, from 1 to a week",
    ],
    [
      "image.workers = 1",
      "image: unknown key; known here: log, logs, containers, cgroups, network, streaming, metrics, images",
    ],
    ["log = 'info'", 'log = "info": must be a table with level'],
    ["images.workers = 1.5", "images.workers = 1.5: must be a whole number from 0 to 64"],
    [
      "images.connections_per_registry = -1",
      "images.connections_per_registry = -1: must be a whole number from 0 to 64",
    ],
    ["images.stall_seconds = 0", "images.stall_seconds = 0: must be whole seconds, from 1 to 3600"],
    ["images.workers = 65", "images.workers = 65: must be a whole number from 0 to 64"],
    [
      "images.plain_http = 'a'",
      'images.plain_http = "a": must be a list of registries as "host" or "host:port"',
    ],
    [
      'logs.max_size = "10 MB"',
      'logs.max_size = "10 MB": must be a size as "10MiB" (B, KiB, MiB or GiB); "0" for no limit',
    ],
    ["streaming.max_streams = 0", "streaming.max_streams = 0: must be a whole number from 1 to 100000"],
    ["logs.max_files = 0", "logs.max_files = 0: must be a whole number from 1 to 1000"],
    [
      "images.plain_http = ['http://a']",
      'images.plain_http.0 = "http://a": must be a registry as "host" or "host:port", without scheme or path',
    ],
    [
      "images.certs_directories = ['certs.d']",
      'images.certs_directories.0 = "certs.d": must be an absolute path',
    ],
  ];
  for (const [text, reason] of refusals) {
    it(`refuses ${text}`, () => assert.equal(refusal(text).reason, reason));
  }

  for (const subnet of [
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/29",
    "10.0.0.1/16",
    "10.0.0/8",
    "fd00::/64",
    "10.0.0.0/8/8",
  ]) {
    it(`refuses the subnet ${subnet}`, () => {
      assert.match(refusal(`network.subnet = "${subnet}"`).reason, /must be an IPv4 subnet of \/8 to \/28/);
    });
  }

  it("refuses a low mark of the disk that is not below the high one", () => {
    const { reason } = refusal("[images]\ngc_high_percent = 50\ngc_low_percent = 60\n");
    assert.equal(reason, "images.gc_low_percent = 60: must be less than gc_high_percent");
  });

  it("lists everything that is wrong at once", () => {
    const { reason, hint } = refusal("log.level = 1\nnetwork.subnet = 2\nfoo = 3\n");
    assert.equal(reason.split("; ").filter((part) => part.includes("=")).length, 2);
    assert.match(reason, /foo: unknown key/);
    assert.ok(hint);
  });
});
