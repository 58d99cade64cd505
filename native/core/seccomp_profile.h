// A seccomp profile in the OCI runtime spec's form (config-linux.md, "Seccomp").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace lichen {

struct SeccompArgument {
  unsigned index = 0;  // 0 … 5
  uint64_t value = 0;
  uint64_t value_two = 0;  // the datum of a masked comparison
  std::string op;          // "SCMP_CMP_EQ" …
};

struct SeccompRule {
  std::vector<std::string> names;
  std::string action;  // "SCMP_ACT_ALLOW" …
  std::optional<unsigned> errno_value;
  std::vector<SeccompArgument> arguments;
};

struct SeccompProfile {
  std::string default_action;
  std::optional<unsigned> default_errno;
  std::vector<std::string> architectures;  // "SCMP_ARCH_X86_64" …
  std::vector<std::string> flags;          // "SECCOMP_FILTER_FLAG_LOG" …
  std::vector<SeccompRule> rules;
};

// `reader` stands at linux.seccomp. Mistakes are left to the document's status().
SeccompProfile read_seccomp_profile(const JsonReader& reader);

}  // namespace lichen
