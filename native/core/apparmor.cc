#include "core/apparmor.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/fd.h"

namespace lichen {

namespace {

constexpr const char* kAtNextExec = "/proc/self/attr/apparmor/exec";

Result<std::string> label_of(const std::string& process) {
  return read_file("/proc/" + process + "/attr/apparmor/current");
}

// ENOENT: no such profile, or no AppArmor. The others: the caller is confined and may not change to it.
bool is_unavailable(int number) { return number == ENOENT || number == EACCES || number == EPERM; }

}  // namespace

Status request_apparmor(const std::string& profile) {
  auto done = write_file(kAtNextExec, "exec " + profile);
  if (!done && done.error().number == ENOENT)
    return plain_error("PROFILE_NOT_LOADED", "apply AppArmor profile", "\"" + profile + "\"",
                       "no profile of that name is loaded; root loads one with apparmor_parser(8)");
  if (!done) return std::move(done).error().within("apply AppArmor profile \"" + profile + "\"");
  return {};
}

Status request_apparmor_if_loaded(const std::string& profile) {
  auto done = write_file(kAtNextExec, "exec " + profile);
  if (!done && !is_unavailable(done.error().number))
    return std::move(done).error().within("apply AppArmor profile \"" + profile + "\"");
  return {};
}

Result<bool> is_apparmor_profile_loaded(const std::string& profile) {
  const std::string request = "exec " + profile;
  // What was asked for cannot be taken back: a child asks, which shares the memory and ends at once.
  volatile int number = 0;
  pid_t child = vfork();
  if (child < 0) return sys_error("vfork");
  if (child == 0) {
    Fd file(open(kAtNextExec, O_WRONLY | O_CLOEXEC));
    if (!file || write(file.get(), request.data(), request.size()) < 0) number = errno;
    _exit(0);
  }
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (number == 0) return true;
  if (is_unavailable(number)) return false;
  return sys_error("ask for AppArmor profile", "\"" + profile + "\"", number);
}

bool is_apparmor_active() {
  auto label = label_of("self");
  return label && label->find_first_not_of('\n') != std::string::npos;
}

bool is_confined_by(pid_t pid, const std::string& profile) {
  auto label = label_of(std::to_string(pid));
  // "NAME (enforce)"; in complain mode "NAME (complain)".
  return label && (*label.operator->()).rfind(profile + " (", 0) == 0;
}

}  // namespace lichen
