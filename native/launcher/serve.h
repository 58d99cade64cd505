// `lichen-launcher serve`: one node, from nothing (or from what a killed launcher left) to its end.
#pragma once

#include "launcher/options.h"

namespace lichen::launcher {

// Serves until SIGTERM, SIGINT or a configuration error of the daemon; the daemon's exit status is the
// result. Pods that live then live on, and with them uplink, namespaces and cgroups: the next launcher for
// the same runtime directory finds them.
Result<int> serve(const ServeOptions& options);

}  // namespace lichen::launcher
