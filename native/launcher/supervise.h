// The launcher's main loop: a daemon that is always there, an uplink that is always there, signals passed on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launcher/namespaces.h"
#include "launcher/runtime_dir.h"
#include "launcher/uplink_keeper.h"

namespace lichen::launcher {

// A daemon that ends with this status (EX_CONFIG of sysexits.h) cannot work as configured: it is not started
// again.
inline constexpr int kConfigurationError = 78;

struct Supervised {
  const RuntimeDirectory& directory;
  const Namespaces& namespaces;
  const std::vector<std::string>& command;
  UplinkKeeper& uplink;
  std::function<void()> uplink_changed;  // the state has changed: write it down
};

// Blocks the signals that supervise() waits for. First thing in the process, so that none is lost.
Status block_supervised_signals();

// Runs until SIGTERM or SIGINT: passed on to the daemon, whose status is the result (128 + signal for a death
// by signal; SIGKILL after 30 s). SIGHUP is passed on. A daemon that ends by itself is started again with
// back-off.
Result<int> supervise(const Supervised& supervised);

}  // namespace lichen::launcher
