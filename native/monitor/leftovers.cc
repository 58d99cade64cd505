#include "monitor/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
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

std::string path_of(pid_t pid, Mark mark) {
  return "/proc/" + std::to_string(pid) + (mark == Mark::mount ? "/ns/mnt" : "/ns/cgroup");
}

bool lives_in(pid_t pid, const Space& space) {
  struct stat found {};
  return stat(path_of(pid, space.mark).c_str(), &found) == 0 && found.st_ino == space.number;
}

bool kill_those_there_are(const Space& space) {
  std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  bool found = false;
  while (dirent* entry = proc ? readdir(proc.get()) : nullptr) {
    auto pid = parse_number<pid_t>(entry->d_name);
    if (!pid || *pid <= 1 || !lives_in(*pid, space)) continue;
    // A zombie has no namespaces any more, so what is found lives.
    found = ::kill(*pid, SIGKILL) == 0 || found;
  }
  return found;
}

}  // namespace

std::optional<Space> space_of(pid_t pid, Mark mark) {
  auto held = open_at({}, path_of(pid, mark), O_RDONLY);
  struct stat found {};
  if (!held || fstat(held->get(), &found) != 0) return std::nullopt;
  return Space{mark, std::move(held).value(), found.st_ino};
}

void kill_processes_of(const Space& space) {
  // Never what the monitor itself lives in.
  if (lives_in(getpid(), space)) return;
  for (int round = 0; round < kRounds && kill_those_there_are(space); round++) {
  }
}

}  // namespace lichen::monitor
