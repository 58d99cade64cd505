// What a process that joins a running container does from its birth to execve(2).
#pragma once

#include "core/fd.h"
#include "monitor/process_child.h"

namespace lichen::monitor {

struct ExecStart {
  Fd process;    // memfd with an OCI process
  Fd container;  // pidfd of the container's first process
  pid_t container_pid = 0;
  Fd channel;  // to the monitor: child_report.h
  Fd seccomp;  // the container's compiled filter, if there is one
  // Born in the pod's user namespace; the streams belong to the user of the process then.
  bool nested = false;
  StandardStreams streams;
  bool terminal = false;
  TerminalSize size;
};

// The process that a memfd describes.
Result<OciProcess> read_exec_process(const Fd& memfd);

// Runs in a process born in the container's PID namespace and cgroup. Reports only a terminal or a failure.
[[noreturn]] void run_exec_child(ExecStart start);

}  // namespace lichen::monitor
