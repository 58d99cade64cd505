// The user's systemd in the place of the machine's, as a kubelet with the systemd driver looks for it.
#pragma once

#include <string>

#include "core/result.h"

namespace lichen::launcher {

// In the node's namespaces: takes a mount namespace of our own, where /sys/fs/cgroup is the cgroup of the
// user's systemd and /run/systemd/private its socket, and names no D-Bus of the system in the environment
// (there nobody of this user may make units). Mounts that are made later come into the node all the same, but
// for those below /run. Code NO_USER_MANAGER where the node knows no systemd of the user's.
Status show_user_manager(const std::string& runtime_dir);

}  // namespace lichen::launcher
