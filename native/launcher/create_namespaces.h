// Making the node's namespaces.
#pragma once

#include "launcher/id_mapping.h"
#include "launcher/namespaces.h"
#include "launcher/node_setup.h"
#include "launcher/warning.h"

namespace lichen::launcher {

// Where the child sits while it makes the cgroup namespace (its root) and afterwards.
struct CgroupSeats {
  Fd root_procs;  // cgroup.procs of the subtree's root; empty without delegation
  Fd node_procs;  // of its leaf `node`
};

struct CreatedNamespaces {
  Namespaces namespaces;
  Holder holder;  // the child that made them, sleeping
};

// Makes user, mount, network and cgroup namespaces with the given map and sets them up. The first error of
// the child is the result; code ID_MAP when the map could not be put into force.
Result<CreatedNamespaces> create_namespaces(const IdMapping& mapping, const CgroupSeats& seats,
                                            const NodeSetup& setup, Warnings& warnings);

// For a node whose cgroup has gone, since none of its pods was in it: a cgroup namespace whose root is the
// new one, with its tree on /sys/fs/cgroup and its namespace on `cgroupns_file` in the node's mount
// namespace.
Status renew_cgroup_namespace(Namespaces& namespaces, const CgroupSeats& seats,
                              const std::string& cgroupns_file);

}  // namespace lichen::launcher
