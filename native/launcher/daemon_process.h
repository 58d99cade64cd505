// The daemon as a child in the node's namespaces.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "launcher/namespaces.h"

namespace lichen::launcher {

struct DaemonProcess {
  pid_t pid = 0;
  Fd pidfd;
  Fd channel;  // our end of the daemon's descriptor 3, non-blocking
};

// Starts `command` (found in PATH, in the node's mount namespace) with stdin from /dev/null, our stdout and
// stderr, descriptor 3 and nothing else, default signals, umask 022, in its own process group, in our working
// directory where that exists. It gets SIGTERM when we die. Returns once the command runs; one that cannot be
// executed ends with status 127 and a message on stderr.
Result<DaemonProcess> start_daemon(const Namespaces& namespaces, const std::vector<std::string>& command);

// Replaces the calling process by `command`; returns only the failure. Descriptors from `first_closed` on are
// closed.
Error execute(const std::vector<std::string>& command, unsigned first_closed);

}  // namespace lichen::launcher
