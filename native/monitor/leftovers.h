// Finding the processes that belong to a container or an exec by a namespace that only they live in: where no
// cgroup tells them, they are not all descendants of one process, and their PID namespace is shared.
#pragma once

#include <sys/types.h>

#include <optional>

namespace lichen::monitor {

// Every container has a mount namespace of its own, and every exec a cgroup namespace.
enum class Mark { mount, cgroup };

// The namespace that a process lives in (the inode of /proc/PID/ns/…); nothing when the process has ended.
std::optional<ino_t> namespace_of(pid_t pid, Mark mark);

// SIGKILL for every process that lives in the namespace, again until a look at all of /proc finds none: a
// process may fork while it is looked for. Nothing when it is the caller's own; a process that has left it
// for another one is not found.
void kill_processes_of(Mark mark, ino_t space);

}  // namespace lichen::monitor
