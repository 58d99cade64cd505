// Resource limits of a process (setrlimit(2)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace lichen {

struct ResourceLimit {
  int resource = 0;   // RLIMIT_*
  std::string name;   // "RLIMIT_NOFILE"
  uint64_t soft = 0;  // UINT64_MAX: unlimited
  uint64_t hard = 0;
};

// The limit named "RLIMIT_…"; code UNKNOWN_RLIMIT, or INVALID_RLIMIT when soft is above hard.
Result<ResourceLimit> make_rlimit(const std::string& name, uint64_t soft, uint64_t hard);

// Sets the limits of the calling process. EPERM: a hard limit above the present one, which takes
// CAP_SYS_RESOURCE on the host.
Status apply_rlimits(const std::vector<ResourceLimit>& limits);

}  // namespace lichen
