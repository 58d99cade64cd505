// A user namespace nested in the caller's, and other namespaces that belong to it (user_namespaces(7)).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/id_map.h"
#include "core/result.h"

namespace lichen {

struct NestedIdMap {
  std::vector<IdExtent> uids;  // `outside` as the caller's namespace has it
  std::vector<IdExtent> gids;
};

// Descriptors of /proc/PID/ns; empty for what was not asked for.
struct NestedNamespaces {
  Fd user;
  Fd network;
  Fd ipc;
  Fd uts;
};

// What a map of `extents` turns an inner id into; UINT32_MAX (no id) when it has none.
uint32_t outer_id(const std::vector<IdExtent>& extents, uint32_t inside);

// Makes a user namespace with this map, and those of CLONE_NEWNET, CLONE_NEWIPC and CLONE_NEWUTS in `more` as
// its own. The caller stays where it is: it needs CAP_SETUID and CAP_SETGID in its own user namespace, and
// has every capability in the new one. They live as long as somebody holds them. Errors: ENOSPC at the limit
// of nested namespaces (/proc/sys/user/max_user_namespaces), EPERM or EINVAL for ids that the caller's
// namespace does not map.
Result<NestedNamespaces> make_nested_namespaces(const NestedIdMap& map, int more);

// Moves the calling process into a user namespace as its root, with every capability there. Single-threaded
// callers only.
Status enter_as_root(const Fd& user);
// The second half of it, for a process that was born there: ids 0, no groups.
Status become_namespace_root();

// Runs `work` in a copy of the caller that has entered as root, and gives back what it says.
Status run_as_namespace_root(const Fd& user, const std::function<Status()>& work);

}  // namespace lichen
