// The monitor of one pod, put together.
#pragma once

#include <string>

#include "core/fd.h"

namespace lichen::monitor {

// Serves PROTOCOL.md until `shutdown`. Takes over the daemon's first connection and the pod's runtime
// directory.
Status run_monitor(std::string pod, Fd first_connection, Fd directory);

}  // namespace lichen::monitor
