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

bool kill_those_there_are(Mark mark, ino_t space) {
  std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  bool found = false;
  while (dirent* entry = proc ? readdir(proc.get()) : nullptr) {
    auto pid = parse_number<pid_t>(entry->d_name);
    if (!pid || *pid <= 1 || namespace_of(*pid, mark) != space) continue;
    // A zombie has no namespaces any more, so what is found lives.
    found = ::kill(*pid, SIGKILL) == 0 || found;
  }
  return found;
}

}  // namespace

std::optional<ino_t> namespace_of(pid_t pid, Mark mark) {
  struct stat found {};
  std::string path = "/proc/" + std::to_string(pid) + (mark == Mark::mount ? "/ns/mnt" : "/ns/cgroup");
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  return found.st_ino;
}

void kill_processes_of(Mark mark, ino_t space) {
  // Never what the monitor itself lives in.
  if (space == namespace_of(getpid(), mark)) return;
  for (int round = 0; round < kRounds && kill_those_there_are(mark, space); round++) {
  }
}

}  // namespace lichen::monitor
