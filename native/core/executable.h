// Finding and running the program of a container.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace lichen {

// The value of NAME in {"NAME=value", …}; the last one counts. `fallback` without one.
std::string environment_value(const std::vector<std::string>& environment, const std::string& name,
                              const std::string& fallback);

// Where `name` is to be found: itself when it holds a slash, else the first executable file along PATH
// (default: the usual six directories). As the calling process sees root directory and permissions. Errors:
// ENOENT "command not found", EACCES when there was only a file that may not be run.
Result<std::string> find_executable(const std::string& name, const std::vector<std::string>& environment);

// execve(2); comes back only with the reason why it failed, told apart as a person needs it: a missing file,
// a missing interpreter, a wrong format.
Error run_program(const std::string& path, const std::vector<std::string>& args,
                  const std::vector<std::string>& environment);

// What a shell would exit with after this failure of find_executable or run_program: 127 not found, else 126.
int exit_code_of(const Error& error);

}  // namespace lichen
