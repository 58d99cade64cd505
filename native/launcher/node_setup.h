// What makes fresh namespaces a node: mounts, loopback, sysctls. Runs inside of them.
#pragma once

#include <cstdint>
#include <string>

#include "core/fd.h"
#include "launcher/warning.h"

namespace lichen::launcher {

struct NodeSetup {
  bool own_cgroup = false;   // the cgroup namespace's root is a delegated subtree
  std::string netns_file;    // existing file that the network namespace is bound to, inside only
  std::string resolv_conf;   // existing file that is bound over /etc/resolv.conf
  uint32_t mapped_gids = 1;  // gids from 0 on that exist in the user namespace
};

// Everything that a node has around its pods. A step that the kernel or an administrator may rightly refuse
// becomes a warning; the rest are errors.
//
// The network namespace is bound to a file because a pod's monitor, which may be all that is left after a
// crash, sits in its pod's network namespace but in the node's mount namespace: the next launcher finds the
// way back by it.
Status set_up_node(const NodeSetup& setup, Warnings& warnings);

}  // namespace lichen::launcher
