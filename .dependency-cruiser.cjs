// Arrows point downward only (ARCHITECTURE.md, "Rooms"); a cycle or an upward import fails the lint.
const room = (name) => `^src/${name}/`;
// Every room and the rooms below it that it may import. The files of src/ itself and proto/ may be used by all.
const below = {
  native: [],
  config: [],
  store: [],
  security: ["native", "store"],
  resources: ["native", "store", "config"],
  network: ["native", "store", "config"],
  pod: ["native", "store", "network", "resources", "security", "config"],
  image: ["native", "store", "config"],
  streaming: ["native", "store", "network", "resources", "security", "config"],
  cri: ["pod", "image", "streaming", "network", "resources", "security", "store", "config", "native"],
  daemon: [
    "cri",
    "pod",
    "image",
    "streaming",
    "network",
    "resources",
    "security",
    "store",
    "config",
    "native",
  ],
  cli: ["config", "image/registry"],
};

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    ...Object.entries(below).map(([name, rooms]) => ({
      name: `arrows-of-${name}`,
      severity: "error",
      from: { path: room(name) },
      to: { path: "^src/[^/]+/", pathNot: [room(name), ...rooms.map(room)] },
    })),
    {
      name: "only-the-native-room-loads-the-addon",
      severity: "error",
      from: { path: "^src/", pathNot: room("native") },
      to: { path: "\\.node$" },
    },
    {
      name: "source-does-not-know-tests",
      severity: "error",
      from: { path: "^(src|proto)/" },
      to: { path: "^(test|bench|scripts)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|build|\\.cache)/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: [".ts", ".mjs", ".js", ".json"] },
  },
};
