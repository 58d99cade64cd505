// Starting a process as a copy of a single-threaded caller: clone3(2) with namespaces, cgroup and pidfd in
// one call.
#pragma once

#include <sys/types.h>

#include <vector>

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

// What a child is to be born in, other than what its parent is in; empty descriptors: the parent's.
struct JoinedNamespaces {
  const Fd&
      user;  // a user namespace (/proc/PID/ns/user); the CLONE_NEW* ones are made in it, and are its own
  const Fd& member;  // pidfd of a process whose PID namespace to share
};

// The same in other namespaces. setns(2) would change what the caller's own children get, with no way back;
// so a short-lived process in between takes the steps. Born in another user namespace, the child has every
// capability there and still the caller's ids, which that namespace need not map: see
// become_namespace_root().
Result<ChildProcess> clone_process_joining(const JoinedNamespaces& joined, unsigned long namespaces,
                                           const Fd& cgroup);

// The child's signal state as execve(2) should find it: nothing blocked, nothing ignored.
void reset_signals();

// Closes every descriptor from 3 up but the given ones.
void close_all_but(const std::vector<const Fd*>& kept);

// Dies by SIGKILL with the parent. The setting is lost at every change of credentials: set it after the last.
Status die_with_parent();

}  // namespace lichen
