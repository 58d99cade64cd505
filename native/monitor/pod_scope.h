// A pod whose cgroup systemd has made, for limits of systemd's slices to hold for it: a scope.
#pragma once

#include <string>

#include "core/result.h"

namespace lichen::monitor {

// Settles the calling process, which systemd has moved into the scope `directory`, in the scope's leaf
// `leaf`, so that the scope can hand controllers down to the leaves of containers.
//
// The scope lies outside of the node's cgroup namespace, and what cannot see a cgroup may not put anything
// into it (nsdelegate, cgroup-v2.rst): the process gets a cgroup namespace whose root is the scope. ENOENT
// when it is in another cgroup than this.
Status settle_in_scope(const std::string& directory, const std::string& leaf);

}  // namespace lichen::monitor
