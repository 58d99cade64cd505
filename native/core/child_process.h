// Starting a process as a copy of a single-threaded caller: clone3(2) with namespaces, cgroup and pidfd in
// one call.
#pragma once

#include <sys/types.h>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

struct ChildProcess {
  pid_t pid = 0;  // 0: this is the child
  Fd pidfd;       // the parent's only
};

// Like fork(2), with CLONE_NEW* flags, born in the cgroup whose directory `cgroup` shows (empty: the
// caller's), so that nothing of it is ever accounted elsewhere. Only for single-threaded callers: the child
// goes on with a copy of the heap.
Result<ChildProcess> clone_process(unsigned long namespaces, const Fd& cgroup);

// The same in the PID namespace of another process, which a pidfd shows. setns(2) would change what the
// caller's own children get, with no way back to a PID namespace of another user namespace; so a short-lived
// process in between takes the step.
Result<ChildProcess> clone_process_beside(const Fd& member, unsigned long namespaces, const Fd& cgroup);

// The child's signal state as execve(2) should find it: nothing blocked, nothing ignored.
void reset_signals();

// Closes every descriptor from 3 up but the given ones.
void close_all_but(std::initializer_list<const Fd*> kept);

// Dies by SIGKILL with the parent. The setting is lost at every change of credentials: set it after the last.
Status die_with_parent();

}  // namespace lichen
