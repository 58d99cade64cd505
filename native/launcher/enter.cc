#include "launcher/enter.h"

#include <limits.h>
#include <unistd.h>

#include "launcher/cgroup_path.h"
#include "launcher/daemon_process.h"
#include "launcher/enter_systemd.h"
#include "launcher/namespaces.h"
#include "launcher/runtime_dir.h"

namespace lichen::launcher {

namespace {

// The daemon sits in the leaf where everything of the node goes. Best effort: EACCES when we come from a
// cgroup that is not ours (a login session's).
void move_beside(pid_t daemon) {
  auto text = read_file("/proc/" + std::to_string(daemon) + "/cgroup");
  auto mountinfo = read_file("/proc/self/mountinfo");
  if (!text || !mountinfo) return;
  auto path = find_cgroup_path(text.value());
  auto mount = find_cgroup_mount(mountinfo.value());
  if (!path || !mount) return;
  if (auto directory = cgroup_directory(*mount, *path)) (void)write_file(*directory + "/cgroup.procs", "0");
}

Result<Namespaces> open_running(const std::string& runtime_dir) {
  auto daemon = read_live_pid(runtime_dir + "/daemon.pid");
  if (!daemon) {
    return plain_error("NOT_RUNNING", "enter", "\"" + runtime_dir + "\"",
                       "no daemon is running there; start one with `lichen serve`");
  }
  move_beside(daemon->pid);
  LICHEN_ASSIGN(Namespaces namespaces, open_namespaces(daemon->pid));
  LICHEN_TRY(open_process(*daemon));
  return namespaces;
}

}  // namespace

Error enter(const EnterOptions& options) {
  char directory[PATH_MAX];
  bool has_directory = getcwd(directory, sizeof directory) != nullptr;
  LICHEN_ASSIGN(Namespaces namespaces, open_running(options.runtime_dir));
  LICHEN_TRY(join(namespaces));
  if (options.systemd) LICHEN_TRY(show_user_manager(options.runtime_dir));
  if (has_directory) (void)!chdir(directory);
  return execute(options.command, 3);
}

}  // namespace lichen::launcher
