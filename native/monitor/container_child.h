// What the first process of a container does from its birth to execve(2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/dev_nodes.h"
#include "core/fd.h"
#include "monitor/container_mounts.h"
#include "monitor/process_child.h"

namespace lichen::monitor {

// What of a container is in the node's view.
struct NodeParts {
  OciSpec spec;
  std::vector<PreparedMount> mounts;  // the bind mounts of them
  std::vector<PreparedDevice> devices;
  Fd null_device;  // a mount of /dev/null
};

struct ContainerStart {
  Fd spec;     // memfd with the OCI runtime spec
  Fd root;     // the detached mount of the root file system
  Fd filter;   // what an earlier container compiled of the same seccomp profile, or empty
  Fd channel;  // to the monitor: child_report.h
  StandardStreams streams;
  bool terminal = false;
  MountContext mounts;
  // Filled in by the monitor for a child that is born in the pod's user namespace, where it has no power over
  // what is the node's: take_node_parts(), and streams that belong to the container's user. Else the child
  // does it.
  std::optional<NodeParts> node;
  std::string
      place;  // a directory of the node, hidden beneath the root file system in this process's namespace only
};

Result<NodeParts> take_node_parts(const ContainerStart& start);

// Runs in a process born with its own mount (and perhaps PID) namespace. Reports "ready", waits for "go",
// becomes the container's command; any failure is reported and ends the process.
[[noreturn]] void run_container_child(ContainerStart start);

}  // namespace lichen::monitor
