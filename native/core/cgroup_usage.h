// What a cgroup counts by itself: cgroup-v2.rst says what the files hold.
#pragma once

#include <string_view>
#include <vector>

#include "core/fd.h"
#include "core/small_files.h"
#include "core/usage_figures.h"

namespace lichen {

// Which controllers' files there are to be read. CPU time needs none, pressure only a kernel that counts it.
struct UsageControllers {
  bool memory = false;
  bool io = false;
  bool pids = false;
};

// Puts the figures of the cgroup whose directory this is into `figures`, and what it did with block devices
// behind `devices`; what cannot be read stays unknown.
void read_cgroup_usage(SmallFiles& files, const Fd& directory, const UsageControllers& controllers,
                       Figures& figures, std::vector<DeviceIo>& devices);

// The lines of io.stat, "nested keyed": `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`.
std::vector<DeviceIo> parse_io_stat(std::string_view text);

// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the same for `full`, eight figures from `first` on;
// they stay unknown without `some`, and are 0 where only `full` is not told.
void parse_pressure(std::string_view text, Figure first, Figures& figures);

// The numbers of a list of processes: cgroup.procs has one a line, /proc/PID/task/TID/children blanks between
// them.
std::vector<pid_t> parse_pids(std::string_view text, char separator);

}  // namespace lichen
