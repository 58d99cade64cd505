// The mounts of a container: every source is opened first, as a detached mount in the node's view, and
// attached to the container's root afterwards. So a source keeps its propagation group whatever happens to
// this mount namespace.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"
#include "core/user_namespace.h"
#include "monitor/oci_spec.h"

namespace lichen::monitor {

// Which namespaces of the container are the node's, and the pod's shared memory.
struct MountContext {
  bool node_pid = false;
  bool node_network = false;
  bool node_ipc = false;
  const Fd* user = nullptr;          // the pod's user namespace, if it has one, and
  const NestedIdMap* map = nullptr;  // its map
  const Fd* shm = nullptr;           // detached tmpfs, copied for this container; or
  std::string shm_path;              // a directory of the node
};

struct PreparedMount {
  std::string destination;
  Fd mount;
  bool directory = true;
  bool readonly_at_end = false;  // a tmpfs that may only be written while the container is put together
  std::string image_path;        // only this part of `mount` is wanted, once take_image_parts() has run
};

// Two steps, since the sources of bind mounts, and layers of images, are in the node's view, which a user
// namespace of the pod's may have no power over, and new file systems belong to whoever makes them.
Result<std::vector<PreparedMount>> open_bind_sources(const std::vector<OciMount>& mounts,
                                                     const MountContext& context);
Status make_file_systems(const std::vector<OciMount>& mounts, const MountContext& context,
                         std::vector<PreparedMount>& prepared);

// Replaces images of which a part is wanted by that part. In a mount namespace cut off from others; `place`
// is a directory of it.
Status take_image_parts(std::vector<PreparedMount>& mounts, const std::string& place);

// Attaches them in order; missing destinations are made.
Status attach_mounts(const Fd& root, const std::vector<PreparedMount>& mounts);

// The last step: what was asked to be read-only and had to be filled first.
Status finish_mounts(const std::vector<PreparedMount>& mounts);

}  // namespace lichen::monitor
