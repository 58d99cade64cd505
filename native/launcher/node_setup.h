// What makes fresh namespaces a node: mounts, loopback, sysctls. Runs inside of them.
#pragma once

#include <cstdint>
#include <string>

#include "core/fd.h"
#include "launcher/warning.h"

namespace lichen::launcher {

// Code of the warning that the user's systemd cannot be used for pods.
inline constexpr char kSlicesRefused[] = "SLICES_REFUSED";

struct NodeSetup {
  bool own_cgroup = false;    // the cgroup namespace's root is a delegated subtree
  std::string slices;         // directory of the cgroup where the user's systemd puts its units, "" for none
  std::string slices_place;   // existing directory that shows it inside
  std::string cgroupns_file;  // existing file that the cgroup namespace is bound to, where there are slices
  std::string netns_file;     // existing file that the network namespace is bound to, inside only
  std::string resolv_conf;    // existing file that is bound over /etc/resolv.conf
  uint32_t mapped_gids = 1;   // gids from 0 on that exist in the user namespace
};

// Everything that a node has around its pods. A step that the kernel or an administrator may rightly refuse
// becomes a warning; the rest are errors.
//
// The network namespace is bound to a file because a pod's monitor, which may be all that is left after a
// crash, sits in its pod's network namespace but in the node's mount namespace: the next launcher finds the
// way back by it. The same holds for the cgroup namespace and pods in systemd's slices.
//
// A cgroup of the user's systemd lies outside of the node's cgroup namespace and of the tree that is mounted
// on /sys/fs/cgroup here: `slices_place` is where daemon and monitors reach it.
Status set_up_node(const NodeSetup& setup, Warnings& warnings);

// Puts the tree of the calling process's cgroup namespace in the place of another one's, whose cgroup has
// gone, and the namespace on `cgroupns_file`, if that is there. Inside, too.
Status remount_cgroups(const std::string& cgroupns_file);

}  // namespace lichen::launcher
