// What the first process of a container does from its birth to execve(2).
#pragma once

#include <string>

#include "core/fd.h"
#include "monitor/container_mounts.h"
#include "monitor/process_child.h"

namespace lichen::monitor {

struct ContainerStart {
  Fd spec;     // memfd with the OCI runtime spec
  Fd root;     // the detached mount of the root file system
  Fd filter;   // what an earlier container compiled of the same seccomp profile, or empty
  Fd channel;  // to the monitor: child_report.h
  StandardStreams streams;
  bool terminal = false;
  MountContext mounts;
  std::string
      place;  // a directory of the node, hidden beneath the root file system in this process's namespace only
};

// Runs in a process born with its own mount (and perhaps PID) namespace. Reports "ready", waits for "go",
// becomes the container's command; any failure is reported and ends the process.
[[noreturn]] void run_container_child(ContainerStart start);

}  // namespace lichen::monitor
