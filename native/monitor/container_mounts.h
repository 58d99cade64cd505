// The mounts of a container: every source is opened first, as a detached mount in the node's view, and
// attached to the container's root afterwards. So a source keeps its propagation group whatever happens to
// this mount namespace.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"
#include "monitor/oci_spec.h"

namespace lichen::monitor {

// Which namespaces of the container are the node's, and the pod's shared memory.
struct MountContext {
  bool node_pid = false;
  bool node_network = false;
  bool node_ipc = false;
  const Fd* shm = nullptr;  // detached tmpfs, copied for this container; or
  std::string shm_path;     // a directory of the node
};

struct PreparedMount {
  std::string destination;
  Fd mount;
  bool directory = true;
  bool readonly_at_end = false;  // a tmpfs that may only be written while the container is put together
};

Result<std::vector<PreparedMount>> prepare_mounts(const std::vector<OciMount>& mounts,
                                                  const MountContext& context);

// Attaches them in order; missing destinations are made.
Status attach_mounts(const Fd& root, const std::vector<PreparedMount>& mounts);

// The last step: what was asked to be read-only and had to be filled first.
Status finish_mounts(const std::vector<PreparedMount>& mounts);

}  // namespace lichen::monitor
