// AppArmor profiles. Root loads them; whoever is unconfined may take one of those that are loaded
// (aa_change_onexec(3)).
#pragma once

#include <sys/types.h>

#include <string>

#include "core/result.h"

namespace lichen {

// Asks for the profile at the caller's next execve(2). While /proc is still the node's: a container could
// put a file there that swallows the request. Code PROFILE_NOT_LOADED for an unknown name.
Status request_apparmor(const std::string& profile);

// The same where it can be had: nothing is asked for when no profile of that name is loaded, AppArmor is not
// active, or the caller's own profile does not let it go.
Status request_apparmor_if_loaded(const std::string& profile);

// Whether request_apparmor() would take the profile, tried in a child. Also for callers with threads.
Result<bool> is_apparmor_profile_loaded(const std::string& profile);

// Whether AppArmor is active: processes have labels.
bool is_apparmor_active();

// Whether the process runs under the profile, in any mode.
bool is_confined_by(pid_t pid, const std::string& profile);

}  // namespace lichen
