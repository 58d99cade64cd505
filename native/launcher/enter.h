// `lichen-launcher enter`: a command in the namespaces of a running node.
#pragma once

#include "launcher/options.h"

namespace lichen::launcher {

// Replaces this process by the command: uid 0 of the node, environment kept, working directory kept where it
// exists in there, cgroup leaf `node` where we may move. Returns only the failure; code NOT_RUNNING when no
// daemon serves R.
Error enter(const EnterOptions& options);

}  // namespace lichen::launcher
