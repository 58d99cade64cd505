// What is left of a container whose first process has ended, where no cgroup tells its processes and its PID
// namespace is shared with others.
#pragma once

#include <sys/types.h>

#include <optional>

namespace lichen::monitor {

// The mount namespace that a process lives in (the inode of /proc/PID/ns/mnt); nothing when the process has
// ended.
std::optional<ino_t> mount_namespace_of(pid_t pid);

// SIGKILL for every process that lives in the mount namespace, again until a look at all of /proc finds none:
// a process may fork while it is looked for. Every container has a mount namespace of its own, so this hits
// nobody else; a process that has left it for another one is not found.
void kill_processes_of(ino_t mount_namespace);

}  // namespace lichen::monitor
