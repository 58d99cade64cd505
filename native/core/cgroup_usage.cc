#include "core/cgroup_usage.h"

#include <algorithm>

#include "core/text.h"
#include "core/usage_text.h"

namespace lichen {

namespace {

double or_zero(double figure) { return known(figure) ? figure : 0; }

void read_cpu(SmallFiles& files, const Fd& directory, Figures& figures) {
  auto stat = files.read(directory, "cpu.stat");
  if (!stat) return;
  figures[kCpuUsage] = flat_number(*stat, "usage_usec ");
  if (!known(figures[kCpuUsage])) return;
  figures[kCpuUser] = or_zero(flat_number(*stat, "user_usec "));
  figures[kCpuSystem] = or_zero(flat_number(*stat, "system_usec "));
  figures[kPeriods] = flat_number(*stat, "nr_periods ");
  if (!known(figures[kPeriods])) return;
  figures[kThrottledPeriods] = or_zero(flat_number(*stat, "nr_throttled "));
  figures[kThrottledTime] = or_zero(flat_number(*stat, "throttled_usec "));
}

void read_pressure(SmallFiles& files, const Fd& directory, const char* file, Figure first, Figures& figures) {
  if (auto text = files.read(directory, file)) parse_pressure(*text, first, figures);
}

// A number that a file is; unknown for `max`.
double read_number(SmallFiles& files, const Fd& directory, const char* file) {
  auto text = files.read(directory, file);
  return text ? whole_number(*text) : kUnknown;
}

// What a limit leaves; unknown without one.
double left_below(double limit, double used) { return known(limit) ? std::max(limit - used, 0.0) : kUnknown; }

void read_memory_stat(SmallFiles& files, const Fd& directory, Figures& figures) {
  std::string_view stat = files.read(directory, "memory.stat").value_or("");
  auto value = [&](std::string_view key) { return or_zero(flat_number(stat, key)); };
  figures[kRss] = value("anon ");
  figures[kPageFaults] = value("pgfault ");
  figures[kMajorPageFaults] = value("pgmajfault ");
  figures[kCache] = value("file ");
  figures[kMappedFile] = value("file_mapped ");
  figures[kActiveFile] = value("active_file ");
  figures[kInactiveFile] = value("inactive_file ");
  figures[kKernelMemory] = value("kernel ");
}

void read_memory(SmallFiles& files, const Fd& directory, Figures& figures) {
  figures[kMemoryUsage] = read_number(files, directory, "memory.current");
  if (!known(figures[kMemoryUsage])) return;
  read_memory_stat(files, directory, figures);
  figures[kWorkingSet] = std::max(figures[kMemoryUsage] - figures[kInactiveFile], 0.0);
  figures[kMemoryAvailable] = left_below(read_number(files, directory, "memory.max"), figures[kWorkingSet]);
  figures[kPeak] = read_number(files, directory, "memory.peak");
  std::string_view events = files.read(directory, "memory.events").value_or("");
  figures[kLimitHits] = or_zero(flat_number(events, "max "));
  figures[kOomKills] = or_zero(flat_number(events, "oom_kill "));
  figures[kSwapUsage] = read_number(files, directory, "memory.swap.current");
  if (!known(figures[kSwapUsage])) return;
  figures[kSwapAvailable] = left_below(read_number(files, directory, "memory.swap.max"), figures[kSwapUsage]);
}

void parse_pressure_line(std::string_view line, Figure first, Figures& figures) {
  auto value = [&](std::string_view key) {
    size_t at = line.find(key);
    return at == std::string_view::npos ? 0 : number_at(line, at + key.size());
  };
  figures[first] = value("total=");
  figures[first + 1] = value("avg10=");
  figures[first + 2] = value("avg60=");
  figures[first + 3] = value("avg300=");
}

}  // namespace

void parse_pressure(std::string_view text, Figure first, Figures& figures) {
  if (!text.starts_with("some ")) return;
  size_t end = std::min(text.find('\n'), text.size());
  parse_pressure_line(text.substr(0, end), first, figures);
  std::string_view rest = text.substr(std::min(end + 1, text.size()));
  parse_pressure_line(rest.starts_with("full ") ? rest : std::string_view(), Figure(first + 4), figures);
}

std::vector<DeviceIo> parse_io_stat(std::string_view text) {
  std::vector<DeviceIo> devices;
  for (std::string_view line : split(text, '\n')) {
    if (line.find('=') == std::string_view::npos) continue;
    DeviceIo& device = devices.emplace_back();
    device.name = line.substr(0, line.find(' '));
    size_t place = 0;
    for (std::string_view key : {" rbytes=", " wbytes=", " rios=", " wios="}) {
      size_t at = line.find(key);
      device.figures[place++] = at == std::string_view::npos ? 0 : number_at(line, at + key.size());
    }
  }
  return devices;
}

std::vector<pid_t> parse_pids(std::string_view text, char separator) {
  std::vector<pid_t> pids;
  for (std::string_view line : split(text, separator))
    if (auto pid = parse_number<pid_t>(line); pid && *pid > 0) pids.push_back(*pid);
  return pids;
}

void read_cgroup_usage(SmallFiles& files, const Fd& directory, const UsageControllers& controllers,
                       Figures& figures, std::vector<DeviceIo>& devices) {
  read_cpu(files, directory, figures);
  read_pressure(files, directory, "cpu.pressure", kCpuPressure, figures);
  read_pressure(files, directory, "memory.pressure", kMemoryPressure, figures);
  read_pressure(files, directory, "io.pressure", kIoPressure, figures);
  if (controllers.memory) read_memory(files, directory, figures);
  if (controllers.pids) figures[kThreads] = read_number(files, directory, "pids.current");
  if (!controllers.io) return;
  if (auto stat = files.read(directory, "io.stat")) devices = parse_io_stat(*stat);
}

}  // namespace lichen
