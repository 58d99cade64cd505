// cgroup v2 directories (Documentation/admin-guide/cgroup-v2.rst): making, emptying and removing them.
#pragma once

#include <chrono>
#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// Makes the cgroup and its missing parents; one that exists is fine. `path` is absolute: below the cgroup2
// mount.
Status create_cgroup(const std::string& path);

// Whether any process lives in the cgroup or below it (`populated` of cgroup.events).
Result<bool> cgroup_populated(const std::string& path);

// Kills every process in the cgroup and below it (cgroup.kill, SIGKILL for all at once, forks included) and
// waits until the last is gone. ETIMEDOUT when that takes longer. A cgroup that does not exist has no
// processes. Blocks: not for a main loop.
Status kill_cgroup(const std::string& path, std::chrono::milliseconds timeout);

// Removes the cgroup and those below it, leaves first. Dead processes may hold one for some milliseconds more
// (EBUSY): waited for up to `timeout`. A cgroup that does not exist is fine. Blocks: not for a main loop.
Status remove_cgroup(const std::string& path, std::chrono::milliseconds timeout);

}  // namespace lichen
