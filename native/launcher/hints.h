// What an administrator can do about a failure that the kernel words badly.
#pragma once

#include <string>

#include "core/result.h"

namespace lichen::launcher {

// Switches of this host that forbid user namespaces, each known by its file in /proc/sys.
struct HostSwitches {
  long max_user_namespaces = -1;             // user.max_user_namespaces; -1: not there
  long unprivileged_userns_clone = -1;       // Debian's old kernel.unprivileged_userns_clone
  long apparmor_restrict_unprivileged = -1;  // Ubuntu >= 23.10: user namespaces without capabilities
};

HostSwitches read_host_switches();

// Why a user namespace, or the first mount or network namespace in it, was refused: one sentence, and a
// command. Empty hint when none of the known causes fits.
struct Explanation {
  std::string cause;
  std::string hint;
};
// `executable` is the path of the program that needs the namespace: AppArmor profiles go by path.
Explanation explain_userns_failure(const Error& error, const HostSwitches& switches,
                                   const std::string& executable);

// Our own executable's path.
std::string own_executable();

// A failure with its explanation, where there is one, as text for stderr: one line, and one with the hint.
std::string describe_failure(const Error& error);

}  // namespace lichen::launcher
