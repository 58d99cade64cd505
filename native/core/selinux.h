// SELinux contexts, "user:role:type:level" (the level only where the policy has levels). Which there are, who
// may change to which, and who may label files, the loaded policy decides; an unprivileged process asks the
// kernel as any other does (selinux(8), proc_pid_attr(5)).
#pragma once

#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// The caller's own context; "" where SELinux is not active.
std::string own_selinux_context();

// Asks for the context at the caller's next execve(2), which fails when the policy does not let the caller,
// or the program, get there. While /proc is still the node's. Code NO_SUCH_CONTEXT for one that the policy
// does not have.
Status request_selinux(const std::string& context);

// Whether request_selinux() would take the context, tried in a child, and whether the policy lets a process
// of the caller's context change to it (code FORBIDDEN_CONTEXT), asked of selinuxfs where that is mounted.
// Also for callers with threads.
Status check_selinux_context(const std::string& context);

// Whether files may be created with the context, tried in a child: that the policy has it as one of files.
Status check_selinux_file_context(const std::string& context);

// Labels the file that a descriptor shows (O_PATH will do). A file system without labels is left as it is.
Status label_file(const Fd& file, const std::string& context);

// Labels `path` and everything below it, across mounts, following no symbolic link; `path` itself last, so
// that one that has the context already was done to its end. False when it had.
Result<bool> label_tree(const std::string& path, const std::string& context);

}  // namespace lichen
