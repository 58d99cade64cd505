#include "core/usage_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "core/interface_usage.h"

namespace lichen {

namespace {

constexpr double kMicrosecondsPerTick =
    10'000;  // sysconf(_SC_CLK_TCK) is 100 on every architecture that Node runs on

using Pids = std::optional<std::vector<pid_t>>;

// One reading of many subjects: what belongs to several of them, as a container's processes belong to its pod
// as well, is read once.
class Reading {
 public:
  Reading(ProcessReader& processes, const UsageControllers& controllers)
      : processes_(processes), controllers_(controllers) {}

  SubjectUsage usage(const UsageSubject& subject) {
    SubjectUsage usage;
    count(subject, usage);
    Pids pids = pids_of(subject);
    size_t number = pids ? pids->size() : 0;
    bool has_cgroup = known(usage.figures[kCpuUsage]);
    if (!has_cgroup || !known(usage.figures[kMemoryUsage])) add_processes(pids, usage.figures);
    if (number > 0 || has_cgroup) usage.figures[kProcesses] = static_cast<double>(number);
    if (subject.network > 0) {
      auto text = files_.read("/proc/" + std::to_string(subject.network) + "/net/dev");
      usage.interfaces = parse_net_dev(text.value_or(""));
    }
    return usage;
  }

 private:
  // What the cgroups count. Of several that belong together figures are added up; pressure is a share of
  // time, and limits are each one's own: they have no sum.
  void count(const UsageSubject& subject, SubjectUsage& usage) {
    if (subject.cgroups.size() == 1) return count_one(subject.cgroups[0], usage.figures, usage.devices);
    for (const std::string& path : subject.cgroups) {
      Figures one;
      std::vector<DeviceIo> devices;
      count_one(path, one, devices);
      for (Figure figure : {kCpuUsage, kCpuUser, kCpuSystem, kMemoryUsage, kWorkingSet, kRss, kPageFaults,
                            kMajorPageFaults, kSwapUsage, kThreads})
        usage.figures.add(figure, one[figure]);
    }
  }

  // The directory is opened once for the many files below it: the way to a cgroup costs as much as a file.
  void count_one(const std::string& path, Figures& figures, std::vector<DeviceIo>& devices) {
    Fd directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (directory) read_cgroup_usage(files_, directory, controllers_, figures, devices);
  }

  // Nothing when there is neither a cgroup that tells them nor a first process.
  Pids pids_of(const UsageSubject& subject) {
    Pids all;
    for (const std::string& path : subject.leaves) {
      const Pids& pids = pids_in(path);
      if (!pids) continue;
      if (!all) all.emplace();
      all->insert(all->end(), pids->begin(), pids->end());
    }
    if (!all && subject.pid > 0) all = ProcessReader::descendants(files_, subject.pid);
    return all;
  }

  const Pids& pids_in(const std::string& path) {
    auto [entry, is_new] = leaves_.try_emplace(path);
    if (!is_new) return entry->second;
    if (auto text = files_.read(path + "/cgroup.procs")) entry->second = parse_pids(*text, '\n');
    return entry->second;
  }

  // What only the processes tell.
  void add_processes(const Pids& pids, Figures& figures) {
    ProcessUsage sum;
    bool any = false;
    for (pid_t pid : pids.value_or(std::vector<pid_t>())) {
      const std::optional<ProcessUsage>& one = process(pid);
      if (!one) continue;
      any = true;
      sum.minor_faults += one->minor_faults;
      sum.major_faults += one->major_faults;
      sum.user_ticks += one->user_ticks;
      sum.system_ticks += one->system_ticks;
      sum.threads += one->threads;
      sum.rss += one->rss;
      sum.pss += one->pss;
      sum.swap += one->swap;
    }
    if (any) complete(sum, figures);
  }

  static void complete(const ProcessUsage& sum, Figures& figures) {
    if (!known(figures[kCpuUsage])) {
      figures[kCpuUser] = sum.user_ticks * kMicrosecondsPerTick;
      figures[kCpuSystem] = sum.system_ticks * kMicrosecondsPerTick;
      figures[kCpuUsage] = figures[kCpuUser] + figures[kCpuSystem];
    }
    if (!known(figures[kMemoryUsage])) {
      figures[kMemoryUsage] = figures[kWorkingSet] = sum.pss;
      figures[kRss] = sum.rss;
      figures[kPageFaults] = sum.minor_faults + sum.major_faults;
      figures[kMajorPageFaults] = sum.major_faults;
    }
    if (!known(figures[kSwapUsage])) figures[kSwapUsage] = sum.swap;
    if (!known(figures[kThreads])) figures[kThreads] = sum.threads;
  }

  const std::optional<ProcessUsage>& process(pid_t pid) {
    auto [entry, is_new] = seen_.try_emplace(pid);
    if (is_new) entry->second = processes_.read(files_, pid);
    return entry->second;
  }

  ProcessReader& processes_;
  const UsageControllers& controllers_;
  SmallFiles files_;
  std::unordered_map<std::string, Pids> leaves_;
  std::unordered_map<pid_t, std::optional<ProcessUsage>> seen_;
};

}  // namespace

std::vector<SubjectUsage> UsageReader::read(const std::vector<UsageSubject>& subjects,
                                            const UsageControllers& controllers) {
  Reading reading(processes_, controllers);
  std::vector<SubjectUsage> usages;
  usages.reserve(subjects.size());
  for (const UsageSubject& subject : subjects) usages.push_back(reading.usage(subject));
  return usages;
}

}  // namespace lichen
