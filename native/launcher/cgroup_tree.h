// The delegated cgroup2 subtree: where it is, who sits where, which controllers it has.
//
// The subtree's root S holds no process (cgroup v2's "no internal processes", which the kubelet insists on
// too); launcher, uplink and daemon sit in its leaf S/node, pods get cgroups beside that.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"
#include "launcher/create_namespaces.h"
#include "launcher/warning.h"

namespace lichen::launcher {

struct CgroupTree {
  bool delegated = false;
  std::string directory;                 // of S in the launcher's view, "" without
  std::string host_path;                 // of S as /proc/PID/cgroup shows it on the host
  std::vector<std::string> controllers;  // that S hands down
  std::string reason;                    // why not delegated
  bool ours = false;                     // S was made by us (and may be emptied and removed by us)
  std::string seat;                      // where the launcher sat before, "" where that is S's parent
};

// Finds or makes S and moves the calling process into S/node. `choice`: "none"; "auto", that is a fresh child
// of our own cgroup, or of the unit whose delegated part we are in; or the directory to be S. A failure of
// "auto" is a tree without delegation and a warning; of a directory that the user named, an error. What a
// dead node left in an S of ours is killed and removed.
Result<CgroupTree> enter_cgroup_tree(const std::string& choice, const std::string& identity,
                                     Warnings& warnings);

// Whether S of a node that is still alive is there: none of its pods need be in it.
bool has_cgroup_tree(const std::string& host_path);

// Goes back to S of a node that is still alive.
CgroupTree rejoin_cgroup_tree(const std::string& host_path, const std::string& identity, Warnings& warnings);

// For the child that makes the cgroup namespace. Empty without delegation.
Result<CgroupSeats> open_seats(const CgroupTree& tree);

// Hands every available controller down from S. Only once S is empty.
void enable_controllers(CgroupTree& tree, Warnings& warnings);

// Leaves S and removes it, if it was made by us and nothing else lives in it.
void leave_cgroup_tree(const CgroupTree& tree);

// What auto would find, without changing anything: for `check`.
struct CgroupFinding {
  std::string mount_point;  // of the hierarchy, "" without one
  std::string directory;    // the cgroup for a subtree of ours: our own, or that of the unit above it
  std::string path;
  std::string seat;                      // our own cgroup, as a directory
  bool marked = false;                   // systemd delegates `directory` (user.delegate, since release 251)
  std::vector<std::string> controllers;  // that it has
  std::vector<std::string> root_controllers;  // that the hierarchy has at all; cgroup v1 may hold them back
  bool writable = false;
  std::string reason;  // why not
};
CgroupFinding inspect_own_cgroup();

// The administrator's command that gets us a cgroup of our own, or more controllers in it.
std::string delegation_hint(const CgroupFinding& own);
std::string controllers_hint(const CgroupFinding& own);

}  // namespace lichen::launcher
