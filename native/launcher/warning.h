// Something that works less well than it could, for people: shown by `lichen doctor` and in CRI Status.
#pragma once

#include <string>
#include <vector>

namespace lichen::launcher {

struct Warning {
  std::string code;     // stable: "SUBUID_MISSING"
  std::string message;  // what is missing and what that means
  std::string hint;     // a command that mends it, "" where there is none

  bool operator==(const Warning&) const = default;
};

using Warnings = std::vector<Warning>;

}  // namespace lichen::launcher
