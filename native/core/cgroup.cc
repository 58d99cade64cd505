#include "core/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace lichen {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

milliseconds left(Clock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
}

// Not there, or being removed by somebody else while we look (systemd, for what it has made): empty it was
// before.
bool is_gone(const Error& error) { return error.number == ENOENT || error.number == ENODEV; }

bool says_populated(const std::string& events) { return events.find("populated 1") != std::string::npos; }

// rmdir of the leaves first, then of the cgroup itself; EBUSY passes through.
Status remove_tree(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) return errno == ENOENT ? Status() : Status(sys_error("open", quoted(path)));
  while (dirent* entry = readdir(directory.get())) {
    std::string name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    LICHEN_TRY(remove_tree(path + "/" + name));
  }
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) return sys_error("rmdir", quoted(path));
  return {};
}

}  // namespace

Status create_cgroup(const std::string& path) {
  if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  size_t slash = path.rfind('/');
  if (errno != ENOENT || slash == 0 || slash == std::string::npos) return sys_error("mkdir", quoted(path));
  LICHEN_TRY(create_cgroup(path.substr(0, slash)));
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return sys_error("mkdir", quoted(path));
  return {};
}

Result<bool> cgroup_populated(const std::string& path) {
  LICHEN_ASSIGN(std::string events, read_file(path + "/cgroup.events"));
  return says_populated(events);
}

Status kill_cgroup(const std::string& path, milliseconds timeout) {
  auto deadline = Clock::now() + timeout;
  auto events = open_at({}, path + "/cgroup.events", O_RDONLY);
  if (!events) return is_gone(events.error()) ? Status() : Status(std::move(events).error());
  if (Status killed = write_file(path + "/cgroup.kill", "1"); !killed)
    return is_gone(killed.error()) ? Status() : std::move(killed);
  for (;;) {
    // Reading arms the poll: POLLPRI comes for what changes after it.
    lseek(events->get(), 0, SEEK_SET);
    auto text = read_all(events.value());
    if (!text)
      return text.error().number == ENODEV ? Status() : Status(std::move(text).error());  // removed meanwhile
    if (!says_populated(text.value())) return {};
    if (left(deadline).count() == 0)
      return sys_error("kill cgroup", quoted(path) + " (processes are still there)", ETIMEDOUT);
    pollfd wait{events->get(), POLLPRI, 0};
    poll(&wait, 1, static_cast<int>(left(deadline).count()));
  }
}

Status remove_cgroup(const std::string& path, milliseconds timeout) {
  auto deadline = Clock::now() + timeout;
  for (auto pause = milliseconds(1);; pause = std::min(pause * 2, milliseconds(20))) {
    Status status = remove_tree(path);
    if (status || status.error().number != EBUSY || left(deadline).count() == 0) return status;
    poll(nullptr, 0, static_cast<int>(std::min(pause, left(deadline)).count()));
  }
}

}  // namespace lichen
