#include "monitor/leftovers.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>

#include "core/text.h"

namespace lichen::monitor {

namespace {

// Each round kills all that it finds: only a process that forks faster than /proc is read needs more than
// two.
constexpr int kRounds = 20;

bool kill_those_there_are(ino_t mount_namespace) {
  std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  bool found = false;
  while (dirent* entry = proc ? readdir(proc.get()) : nullptr) {
    auto pid = parse_number<pid_t>(entry->d_name);
    if (!pid || *pid <= 1 || mount_namespace_of(*pid) != mount_namespace) continue;
    // A zombie has no namespaces any more, so what is found lives.
    found = ::kill(*pid, SIGKILL) == 0 || found;
  }
  return found;
}

}  // namespace

std::optional<ino_t> mount_namespace_of(pid_t pid) {
  struct stat found {};
  std::string path = "/proc/" + std::to_string(pid) + "/ns/mnt";
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  return found.st_ino;
}

void kill_processes_of(ino_t mount_namespace) {
  // Never what the monitor itself lives in.
  if (mount_namespace == mount_namespace_of(getpid())) return;
  for (int round = 0; round < kRounds && kill_those_there_are(mount_namespace); round++) {
  }
}

}  // namespace lichen::monitor
