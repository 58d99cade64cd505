// R/node.json: what the daemon, `lichen doctor` and the next launcher need to know about the node.
#pragma once

#include <string>
#include <string_view>

#include "launcher/cgroup_tree.h"
#include "launcher/id_mapping.h"
#include "launcher/namespaces.h"
#include "launcher/uplink.h"
#include "launcher/user_manager.h"
#include "launcher/warning.h"

namespace lichen::launcher {

struct NodeInfo {
  uid_t uid = 0;
  gid_t gid = 0;
  IdMapping ids;
  UplinkState uplink;
  bool cgroup_delegated = false;
  std::string cgroup_path;
  std::vector<std::string> controllers;
  std::string cgroup_reason;
  UserManager manager;  // its `directory` is not written down
  NamespaceIds namespaces;
  Warnings warnings;
};

std::string format_node_info(const NodeInfo& info);

// Everything but the id map, which the kernel knows better (/proc/PID/uid_map). Code INVALID_JSON or
// INVALID_FIELD for what no launcher wrote.
Result<NodeInfo> parse_node_info(std::string_view text);

}  // namespace lichen::launcher
