// Finding the processes that belong to a container or an exec by a namespace that only they live in: where no
// cgroup tells them, they are not all descendants of one process, and their PID namespace is shared.
#pragma once

#include <sys/types.h>

#include <optional>

#include "core/fd.h"

namespace lichen::monitor {

// Every container has a mount namespace of its own, and every exec a cgroup namespace.
enum class Mark { mount, cgroup };

// A namespace that is held: the kernel gives the number of one that has gone (the inode of /proc/PID/ns/…) to
// the next that somebody makes, so a number alone would soon mean another container's.
struct Space {
  Mark mark;
  Fd held;
  ino_t number;
};

// The namespace that a process lives in; nothing when the process has ended.
std::optional<Space> space_of(pid_t pid, Mark mark);

// SIGKILL for every process that lives in the namespace, again until a look at all of /proc finds none: a
// process may fork while it is looked for. Nothing when it is the caller's own; a process that has left it
// for another one is not found.
void kill_processes_of(const Space& space);

}  // namespace lichen::monitor
