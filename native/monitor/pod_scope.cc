#include "monitor/pod_scope.h"

#include <sched.h>

#include "core/cgroup.h"
#include "core/fd.h"

namespace lichen::monitor {

Status settle_in_scope(const std::string& directory, const std::string& leaf) {
  if (unshare(CLONE_NEWCGROUP) != 0) return sys_error("unshare", "cgroup namespace of the pod");
  std::string seat = directory + "/" + leaf;
  LICHEN_TRY(create_cgroup(seat));
  // Opened only now: the kernel judges by the namespace of the opener.
  Status moved = write_file(seat + "/cgroup.procs", "0");
  if (!moved) return std::move(moved).error().within("join the leaf of the pod's scope");
  return {};
}

}  // namespace lichen::monitor
