// How fast packets are given to the uplink.
#pragma once

#include "launcher/namespaces.h"

namespace lichen::launcher {

// Gives pasta(1) packets at an even pace, by a queueing discipline at its interface in the node's network.
// ENOENT on a kernel without sch_tbf.
Status pace_uplink(const Namespaces& namespaces);

}  // namespace lichen::launcher
