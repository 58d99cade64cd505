// `lichen-launcher unshare`: a command that has all the ids of the user, without a node.
#pragma once

#include "launcher/options.h"

namespace lichen::launcher {

// Replaces this process by the command in a user namespace with the map that a node of this user would get,
// and a mount namespace of its own: uid 0 is the user, and files of the subordinate ids may be read, changed
// and removed. The network and everything else stays the host's. Returns only the failure. What the map lacks
// is told on stderr.
Error unshare(const UnshareOptions& options);

}  // namespace lichen::launcher
