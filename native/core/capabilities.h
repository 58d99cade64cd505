// Capability sets of a process (capabilities(7)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace lichen {

// A set of capabilities, bit n for capability n of <linux/capability.h>.
using CapabilitySet = uint64_t;

struct Capabilities {
  CapabilitySet bounding = 0;
  CapabilitySet effective = 0;
  CapabilitySet permitted = 0;
  CapabilitySet inheritable = 0;
  CapabilitySet ambient = 0;
};

// {"CAP_CHOWN", …} as a set. An unknown name is refused: code UNKNOWN_CAPABILITY.
Result<CapabilitySet> parse_capabilities(const std::vector<std::string>& names);

// Every capability that the running kernel knows.
CapabilitySet all_capabilities();

// Takes everything not in `keep` out of the bounding set: what execve(2) can give uid 0.
Status limit_bounding_set(CapabilitySet keep);

// Sets effective, permitted and inheritable at once. With `extra` (say CAP_SYS_ADMIN until a seccomp filter
// is in place) these stay permitted and effective until execve(2), which drops whatever bounding and ambient
// sets do not give.
Status set_capabilities(const Capabilities& wanted, CapabilitySet extra);

// Replaces the ambient set: what a program run as another uid than 0 keeps.
Status set_ambient_capabilities(CapabilitySet ambient);

}  // namespace lichen
