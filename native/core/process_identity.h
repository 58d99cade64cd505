// Which process a PID meant: PIDs are reused, a PID with its start time is not.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/fd.h"

namespace lichen {

struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_time = 0;  // field 22 of /proc/PID/stat: clock ticks since boot

  bool operator==(const ProcessIdentity&) const = default;
};

// Field 22 of the text of /proc/PID/stat (proc_pid_stat(5)); the command name before it may hold any byte.
std::optional<uint64_t> parse_start_time(std::string_view stat);

// Identity of a process that exists now. ESRCH or ENOENT without one.
Result<ProcessIdentity> identify_process(pid_t pid);

// The content of our .pid files: "<pid> <starttime>\n".
std::string format_pid_file(const ProcessIdentity& process);
std::optional<ProcessIdentity> parse_pid_file(std::string_view text);

// A pidfd of exactly that process. ESRCH when it is gone, a zombie, or its PID means another one by now.
Result<Fd> open_process(const ProcessIdentity& process);

}  // namespace lichen
