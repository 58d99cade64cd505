#include "core/process_usage.h"

#include <unistd.h>

#include <string>

#include "core/cgroup_usage.h"
#include "core/usage_text.h"

namespace lichen {

namespace {

const double kPageSize = static_cast<double>(sysconf(_SC_PAGESIZE));
constexpr double kKibibyte = 1024;
// A process that somebody was once asked about and nobody is any more is forgotten this many spans later.
constexpr int kForgetAfter = 3;

std::string process_file(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

// What stat says of memory may be 0 for a small process, since Linux 6.2 counts for each CPU: smaps_rollup
// counts exactly.
void parse_rollup(std::string_view text, ProcessUsage& usage) {
  auto bytes = [&](std::string_view key) {
    size_t at = value_start(text, key);
    return at == std::string_view::npos ? 0 : number_at(text, at) * kKibibyte;
  };
  double rss = bytes("Rss:");
  if (rss > 0) usage.rss = rss;
  double pss = bytes("Pss:");
  usage.pss = pss > 0 ? pss : usage.rss;
  usage.swap = bytes("SwapPss:");
}

bool unchanged(const ProcessUsage& before, const ProcessUsage& now) {
  return before.start_time == now.start_time && before.minor_faults == now.minor_faults &&
         before.major_faults == now.major_faults && before.virtual_bytes == now.virtual_bytes &&
         before.resident_pages == now.resident_pages;
}

}  // namespace

std::optional<ProcessUsage> parse_process_stat(std::string_view text) {
  size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  ProcessUsage usage;
  size_t at = name_end;
  for (int field = 3; field <= 24; field++) {
    at = text.find(' ', at);
    if (at == std::string_view::npos) break;
    double value = number_at(text, ++at);
    switch (field) {
      case 10:
        usage.minor_faults = value;
        break;
      case 12:
        usage.major_faults = value;
        break;
      case 14:
      case 16:
        usage.user_ticks += value;
        break;
      case 15:
      case 17:
        usage.system_ticks += value;
        break;
      case 20:
        usage.threads = value;
        break;
      case 22:
        usage.start_time = value;
        break;
      case 23:
        usage.virtual_bytes = value;
        break;
      case 24:
        usage.resident_pages = value;
        break;
    }
  }
  usage.rss = usage.pss = usage.resident_pages * kPageSize;
  return usage;
}

std::optional<ProcessUsage> ProcessReader::read(SmallFiles& files, pid_t pid) {
  auto stat = files.read(process_file(pid, "stat"));
  if (!stat) return std::nullopt;
  auto usage = parse_process_stat(*stat);
  if (!usage || recall(pid, *usage)) return usage;
  auto rollup = files.read(process_file(pid, "smaps_rollup"));
  if (!rollup) return usage;
  parse_rollup(*rollup, *usage);
  keep(pid, *usage);
  return usage;
}

// Adds what is known of its memory; false when it has to be looked at.
bool ProcessReader::recall(pid_t pid, ProcessUsage& usage) {
  std::lock_guard lock(mutex_);
  auto found = known_.find(pid);
  if (found == known_.end() || !unchanged(found->second.usage, usage)) return false;
  if (Clock::now() >= found->second.good_until) return false;
  usage.rss = found->second.usage.rss;
  usage.pss = found->second.usage.pss;
  usage.swap = found->second.usage.swap;
  return true;
}

void ProcessReader::keep(pid_t pid, const ProcessUsage& usage) {
  std::lock_guard lock(mutex_);
  Clock::time_point now = Clock::now();
  if (now - swept_ > longest_) {
    std::erase_if(known_,
                  [&](const auto& entry) { return now - entry.second.good_until > kForgetAfter * longest_; });
    swept_ = now;
  }
  // Numbers of processes that were started one after the other spread over the second half of the span.
  known_[pid] = {usage, now + longest_ / 2 + longest_ * (pid % 16) / 32};
}

std::vector<pid_t> ProcessReader::descendants(SmallFiles& files, pid_t pid) {
  std::vector<pid_t> found{pid};
  for (size_t next = 0; next < found.size(); next++) {
    std::string pid_text = std::to_string(found[next]);
    auto children = files.read("/proc/" + pid_text + "/task/" + pid_text + "/children");
    for (pid_t child : parse_pids(children.value_or(""), ' ')) found.push_back(child);
  }
  return found;
}

}  // namespace lichen
