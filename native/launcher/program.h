// Other programs: finding them in PATH, running them to their end.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace lichen::launcher {

// Path of the executable file `name` in $PATH, "" without one.
std::string find_program(const std::string& name);

struct ProgramOutput {
  int status = 0;      // exit status; 128 + signal for a death by signal
  std::string output;  // stdout and stderr, in the order of writing; at most 64 KiB are kept
};

// Runs `arguments` (the first is the program's path) with stdin from /dev/null and our environment, and waits
// for its end. ETIMEDOUT when it lasts longer than `timeout_ms`; it is killed then. The wait expects that the
// caller does not reap children elsewhere.
Result<ProgramOutput> run_program(const std::vector<std::string>& arguments, int timeout_ms = 10000);

// Our environment as "NAME=value".
std::vector<std::string> environment();

}  // namespace lichen::launcher
