// What processes use, from /proc: where no cgroup controller counts it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/small_files.h"

namespace lichen {

// One process, from proc_pid_stat(5) and smaps_rollup. Ticks are clock ticks; children that exited count as
// far as they were waited for.
struct ProcessUsage {
  double minor_faults = 0;
  double major_faults = 0;
  double user_ticks = 0;
  double system_ticks = 0;
  double threads = 0;
  double start_time = 0;
  double virtual_bytes = 0;
  double resident_pages = 0;
  // Bytes. Of a page that several processes share, `pss` counts its part.
  double rss = 0;
  double pss = 0;
  double swap = 0;
};

// Field 3 (state) and those behind it of the text of /proc/PID/stat; the command's name before it may hold
// any byte. Nothing for another text.
std::optional<ProcessUsage> parse_process_stat(std::string_view text);

// Reads what processes use. smaps_rollup makes the kernel walk through all of a process's page tables, which
// costs five times what everything else does. So of a process that has neither had a page fault nor changed
// its size since, it is read again only from time to time: its own pages are the same, if not what others
// share of them.
class ProcessReader {
 public:
  // A look at a process that stays as it is is good for at least half of this time, and at most all of it:
  // not of all at once, so that not one poll pays for all of them.
  explicit ProcessReader(std::chrono::milliseconds longest = std::chrono::seconds(60)) : longest_(longest) {}

  // Nothing when the process is gone. May be called in several threads.
  std::optional<ProcessUsage> read(SmallFiles& files, pid_t pid);

  // The process and everything it and its children started that was not given away to another parent.
  static std::vector<pid_t> descendants(SmallFiles& files, pid_t pid);

 private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    ProcessUsage usage;
    Clock::time_point good_until;
  };
  bool recall(pid_t pid, ProcessUsage& usage);
  void keep(pid_t pid, const ProcessUsage& usage);

  std::chrono::milliseconds longest_;
  std::mutex mutex_;
  std::unordered_map<pid_t, Known> known_;
  Clock::time_point swept_ = Clock::now();
};

}  // namespace lichen
