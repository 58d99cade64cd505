// How a process ended, and the record of it that survives every one of us.
#pragma once

#include <cstdint>
#include <string>

#include "core/fd.h"
#include "core/json.h"

namespace lichen::monitor {

struct Exit {
  int code = 0;    // 128 + signal for a death by signal
  int signal = 0;  // 0: exited
  int64_t at = 0;  // nanoseconds since the epoch
  bool oom = false;
};

// From a status of waitpid(2), now.
Exit exit_from_status(int status);

// Adds code, signal and at.
void write_exit(JsonObject& object, const Exit& exit);

// exits/<container> in the pod's directory: appears whole or not at all, by rename(2).
Status save_exit_record(const Fd& pod_directory, const std::string& container, const Exit& exit);
void remove_exit_record(const Fd& pod_directory, const std::string& container);

// Whether the kernel's OOM killer took a process of this cgroup (a directory): oom_kill of memory.events.
// False without a memory controller.
bool killed_for_memory(const std::string& cgroup);

}  // namespace lichen::monitor
