{
  # Every target takes the .cc files of its own folder, so a new file needs no change here (run `npm run build`).
  # *_test.cc files go to the test executables only.
  "variables": {
    "core_sources": ["<!@(find native/core -name '*.cc' ! -name '*_test.cc' | sort)"],
    "monitor_sources": ["<!@(find native/monitor -name '*.cc' ! -name '*_test.cc' | sort)"],
    "launcher_sources": ["<!@(find native/launcher -name '*.cc' ! -name '*_test.cc' | sort)"],
    "ports_sources": ["<!@(find native/ports -name '*.cc' ! -name '*_test.cc' | sort)"],
    "service_sources": ["<!@(find native/service -name '*.cc' ! -name '*_test.cc' | sort)"],
    "addon_sources": ["<!@(find native/addon -name '*.cc' | sort)"],
    "test_sources": ["<!@(find native -name '*_test.cc' | sort)"],
    "openssl_fips": ""
  },
  # -Wno-maybe-uninitialized: GCC 12 takes a moved-from std::variant of a string for an uninitialised one.
  "target_defaults": {
    "include_dirs": ["native"],
    "cflags!": ["-std=gnu++20", "-fno-exceptions"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions"],
    "cflags_cc": ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-maybe-uninitialized", "-Wno-missing-field-initializers", "-fno-exceptions", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"],
    "defines": ["_GNU_SOURCE", "JSON_NOEXCEPTION", "NAPI_VERSION=10", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"]
  },
  "targets": [
    {
      "target_name": "core",
      "type": "static_library",
      "sources": ["<@(core_sources)"],
      "cflags": ["-fPIC"]
    },
    {
      "target_name": "service",
      "type": "static_library",
      "sources": ["<@(service_sources)"],
      "cflags_cc": ["-Os"],
      "dependencies": ["core"]
    },
    {
      "target_name": "lichen",
      "sources": ["<@(addon_sources)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "dependencies": ["core"],
      "ldflags": ["-Wl,--gc-sections", "-Wl,--exclude-libs,ALL"]
    },
    {
      "target_name": "lichen-monitor",
      "type": "executable",
      "sources": ["<@(monitor_sources)"],
      "cflags_cc": ["-Os"],
      "dependencies": ["service", "core"],
      "ldflags!": ["-rdynamic"],
      "ldflags": ["-static", "-Wl,--gc-sections"],
      "libraries": ["-lseccomp"]
    },
    {
      "target_name": "lichen-ports",
      "type": "executable",
      "sources": ["<@(ports_sources)"],
      "cflags_cc": ["-Os"],
      "dependencies": ["service", "core"],
      "ldflags!": ["-rdynamic"],
      "ldflags": ["-static", "-Wl,--gc-sections"]
    },
    {
      "target_name": "lichen-launcher",
      "type": "executable",
      "sources": ["<@(launcher_sources)"],
      "cflags_cc": ["-Os"],
      "dependencies": ["core"],
      "ldflags!": ["-rdynamic"],
      "ldflags": ["-static", "-Wl,--gc-sections"]
    }
  ],
  "conditions": [
    ["'<!(echo ${LICHEN_NATIVE_TESTS:-0})'=='1'", {
      "targets": [
        {
          # The unit tests with every source of core, service, monitor, ports and launcher compiled once more under ASan and UBSan.
          # Main functions live in main.cc, which is left out here.
          "target_name": "native-tests",
          "type": "executable",
          "sources": ["<@(core_sources)", "<@(test_sources)", "<!@(find native/service native/monitor native/launcher native/ports -name '*.cc' ! -name '*_test.cc' ! -name 'main.cc' | sort)", "test/native/main.cc"],
          "include_dirs": ["test/native"],
          "defines": ["DOCTEST_CONFIG_NO_EXCEPTIONS_BUT_WITH_ALL_ASSERTS", "LICHEN_FAULTS"],
          "cflags_cc": ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"],
          "ldflags": ["-fsanitize=address,undefined"],
          "libraries": ["-lseccomp"]
        }
      ]
    }]
  ]
}
