#include "core/executable.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lichen {

namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

std::string environment_value(const std::vector<std::string>& environment, const std::string& name,
                              const std::string& fallback) {
  for (auto entry = environment.rbegin(); entry != environment.rend(); ++entry)
    if (entry->size() > name.size() && entry->compare(0, name.size(), name) == 0 &&
        (*entry)[name.size()] == '=')
      return entry->substr(name.size() + 1);
  return fallback;
}

Result<std::string> find_executable(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  std::string path = environment_value(environment, "PATH", kDefaultPath);
  int reason = ENOENT;
  for (size_t at = 0; !name.empty() && at <= path.size();) {
    size_t colon = std::min(path.find(':', at), path.size());
    std::string directory = path.substr(at, colon - at);
    std::string candidate = directory.empty() ? name : directory + "/" + name;  // an empty entry is "."
    at = colon + 1;
    struct stat found {};
    if (stat(candidate.c_str(), &found) != 0 || S_ISDIR(found.st_mode)) continue;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    reason = EACCES;
  }
  Error error = sys_error("find command", "\"" + name + "\"", reason);
  error.cause =
      reason == ENOENT ? "command not found in PATH " + path : "found in PATH, but it may not be executed";
  return error;
}

Error run_program(const std::string& path, const std::vector<std::string>& args,
                  const std::vector<std::string>& environment) {
  execve(path.c_str(), pointers(args).data(), pointers(environment).data());
  int number = errno;
  Error error = sys_error("execve", "\"" + path + "\"", number);
  struct stat found {};
  bool there = stat(path.c_str(), &found) == 0;
  if (number == ENOENT && there)
    error.cause += ": the file is there, but the interpreter or dynamic loader that it names is not";
  if (number == EACCES && there && S_ISDIR(found.st_mode)) error.cause += ": it is a directory";
  if (number == ENOEXEC) error.cause += ": a script without #!, or a program for another machine";
  return error;
}

int exit_code_of(const Error& error) { return error.number == ENOENT || error.number == ENOTDIR ? 127 : 126; }

}  // namespace lichen
