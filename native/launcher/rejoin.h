// Finding the way back into the namespaces of a node whose launcher died.
#pragma once

#include <optional>

#include "launcher/id_mapping.h"
#include "launcher/namespaces.h"
#include "launcher/node_info.h"
#include "launcher/runtime_dir.h"

namespace lichen::launcher {

struct Survivor {
  Namespaces namespaces;
  NodeInfo info;  // as the dead launcher wrote it; the id map as it is
};

// Looks for a live process of ours that still holds the namespaces that R/node.json names: R/daemon.pid, then
// R/pods/*/monitor.pid. PID and start time must match, the user namespace must be owned by the caller.
// Nothing when nobody lives; monitors of a node that its launcher has left are ended, since their pods never
// came to be. Code CANNOT_REJOIN when somebody lives, but in other namespaces: starting afresh would leave
// their pods without a node.
Result<std::optional<Survivor>> find_survivor(const RuntimeDirectory& directory);

// Ends a daemon that outlived its launcher: SIGTERM, after five seconds SIGKILL.
void end_leftover_daemon(const RuntimeDirectory& directory);

// Ends an uplink that outlived its launcher.
void end_leftover_uplink(const RuntimeDirectory& directory);

}  // namespace lichen::launcher
