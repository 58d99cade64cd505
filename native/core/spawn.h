// Starting programs without copying page tables, straight into their cgroup, known by a pidfd.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/fd.h"

namespace lichen {

// What a child gets at one descriptor number.
struct ChildFd {
  enum class Kind {
    kNull,
    kInherit,
    kGiven
  } kind = Kind::kNull;    // /dev/null; the parent's own descriptor of that number; `fd`
  const Fd* fd = nullptr;  // borrowed
};

struct SpawnRequest {
  std::string file;               // with a slash: no search in PATH
  std::vector<std::string> args;  // args[0] included
  std::vector<std::string> env;   // "NAME=value"
  std::string cwd;                // "" keeps the parent's
  std::vector<ChildFd> fds;       // by number, from 0; everything above is closed at execve
  const Fd* cgroup = nullptr;     // borrowed: directory of the cgroup that the child is born in
  bool new_session = false;       // setsid(2): a terminal's Ctrl-C does not reach it
};

struct Spawned {
  pid_t pid;
  Fd pidfd;
};

// Returns when the execve has succeeded, or with the error of the step that failed (operation `execve`,
// `chdir`, `join cgroup` …); no child is left then. The child starts with all signals at their default and
// none blocked.
//
// clone3(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND): the price does not grow with the
// parent's memory. Where the caller may not clone into the cgroup (EACCES: it sits outside of the delegated
// subtree) the child joins by cgroup.procs.
Result<Spawned> spawn(const SpawnRequest& request);

}  // namespace lichen
