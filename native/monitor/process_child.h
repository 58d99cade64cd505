// The last steps of a process, the same for a container's first and for an exec: who it is, what it may do,
// what it runs. All of it happens in the child.
#pragma once

#include <optional>

#include "core/fd.h"
#include "core/seccomp_filter.h"
#include "monitor/oci_process.h"

namespace lichen::monitor {

// Descriptors 0, 1 and 2; empty ones become /dev/null, which `node_null` shows.
struct StandardStreams {
  Fd in;
  Fd out;
  Fd error;
};
Status install_streams(const StandardStreams& streams, const Fd& node_null);

// Gives pipes to the user of the process, who may then open /dev/stdout again; a terminal or a file stays
// whose it is. `owner` is an id of the caller's user namespace.
Status own_streams(const StandardStreams& streams, uid_t owner);

// Asks for the AppArmor profile, or the SELinux context, that the process is to have after the next
// execve(2). While /proc is still the node's (core/apparmor.h, core/selinux.h).
Status choose_confinement(const OciProcess& process);

// Working directory, limits, user, capabilities, no_new_privs. Inside the container's root file system.
Status assume_identity(OciProcess& process, bool has_filter);

// Finds the command, puts the filter in place and runs it. Comes back only with the reason why not.
Error run_process(const OciProcess& process, const std::optional<SeccompFilter>& filter);

}  // namespace lichen::monitor
