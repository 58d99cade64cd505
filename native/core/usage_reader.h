// What pods and containers use, many at once.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/cgroup_usage.h"
#include "core/process_usage.h"
#include "core/usage_figures.h"

namespace lichen {

// A container or pod whose usage is asked for.
struct UsageSubject {
  // The directories of the cgroups whose figures count: one, unless its cgroup is shared with others; none
  // without delegation.
  std::vector<std::string> cgroups;
  // Those that hold its processes.
  std::vector<std::string> leaves;
  // Its first process, which is looked for where it has no cgroup; 0 for none.
  pid_t pid = 0;
  // A process in its network namespace, where it has one of its own; else 0.
  pid_t network = 0;
};

struct SubjectUsage {
  Figures figures;
  std::vector<InterfaceTraffic> interfaces;
  std::vector<DeviceIo> devices;
};

// Reads what subjects use: from their cgroups where the kernel counts (cpu.stat needs no controller, memory.*
// does), else summed over their processes in /proc, which misses what exited children used.
class UsageReader {
 public:
  // The usage of each subject, in their order. Never fails: any of what is read may vanish, and is unknown
  // then. May be called in several threads.
  std::vector<SubjectUsage> read(const std::vector<UsageSubject>& subjects,
                                 const UsageControllers& controllers);

 private:
  ProcessReader processes_;
};

}  // namespace lichen
