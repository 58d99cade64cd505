// What a process that is being set up and the monitor tell each other, over a pair of packet sockets that
// closes at a successful execve(2): child to monitor "ready" (with descriptors) or an error, monitor to child
// "go".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/scm.h"

namespace lichen::monitor {

struct ChildReport {
  std::optional<Error> error;  // nothing: ready
  Fd terminal;                 // the master, if there is a terminal
  Fd seccomp;                  // the compiled filter, if there is one
};

// In the child.
Status report_ready(const Fd& channel, const Fd& terminal, const Fd& seccomp);
// Tells the monitor why and ends the process.
[[noreturn]] void report_failure(const Fd& channel, const Error& error, int exit_code);
// Waits for the monitor's "go"; a process whose monitor is gone ends here.
void wait_for_go(const Fd& channel);

// In the monitor.
Result<ChildReport> read_report(Packet packet);
Status send_go(const Fd& channel);

}  // namespace lichen::monitor
