// PID 1 of a PID namespace that the containers of a pod share: reaps what they leave behind.
#pragma once

#include <string>

#include "core/child_process.h"

namespace lichen::monitor {

// Starts the monitor's own executable in mode `init`: in a new PID namespace (of the user namespace `user`,
// or the monitor's own when that is empty), with an empty root file system (made over `place` in its own
// mount namespace), without capabilities, closed to ptrace, killed with the monitor. Answers when it runs.
Result<ChildProcess> start_pod_init(const Fd& user, const std::string& place);

// The mode `init`: waits for children until killed.
[[noreturn]] void run_pod_init();

}  // namespace lichen::monitor
