// An OCI runtime spec (config.json, runtime-spec 1.2) as the monitor acts on it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/dev_nodes.h"
#include "core/mount_options.h"
#include "core/seccomp_profile.h"
#include "core/user_namespace.h"
#include "monitor/oci_process.h"

namespace lichen::monitor {

struct OciMount {
  std::string destination;  // absolute
  std::string type;         // "bind", "proc", "tmpfs" …
  std::string source;
  MountOptions options;
  NestedIdMap id_map;  // of a bind mount; empty: owners are shown as they are
};

struct OciSpec {
  OciProcess process;
  bool readonly_root = false;
  std::vector<OciMount> mounts;
  std::vector<DeviceNode> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::optional<SeccompProfile> seccomp;
  unsigned long root_propagation = 0;  // MS_PRIVATE …; 0: not named
};

// Reads and checks everything before anything is done. Hooks, personalities and other members that would have
// an effect and are not supported are refused.
Result<OciSpec> read_oci_spec(std::string_view text);

}  // namespace lichen::monitor
