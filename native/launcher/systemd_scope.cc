#include "launcher/systemd_scope.h"

#include <unistd.h>

#include <cstdlib>

#include "core/text.h"
#include "launcher/daemon_process.h"
#include "launcher/hints.h"
#include "launcher/program.h"
#include "launcher/user_manager.h"

namespace lichen::launcher {

namespace {

// Set for the second run: one attempt is enough.
constexpr char kMark[] = "LICHEN_LAUNCHER_SCOPE";

bool others_in(const std::string& directory) {
  auto text = read_file(directory + "/cgroup.procs");
  if (!text) return false;
  for (std::string_view line : split(trim(text.value()), '\n'))
    if (!line.empty() && parse_number<pid_t>(line) != getpid()) return true;
  return false;
}

std::vector<std::string> own_command() {
  std::vector<std::string> command;
  auto text = read_file("/proc/self/cmdline");
  if (!text) return command;
  std::string_view arguments = text.value();
  if (arguments.ends_with('\0')) arguments.remove_suffix(1);
  for (std::string_view argument : split(arguments, '\0')) command.emplace_back(argument);
  command[0] = own_executable();
  return command;
}

}  // namespace

bool wants_scope(const CgroupFinding& own, bool others_inside) {
  if (own.directory.empty()) return false;  // no cgroup2 here at all
  // A service's own cgroup, whose processes are in no leaf of it: delegated or not, once it hands controllers
  // to pods the service cannot be started a second time while they live (EBUSY).
  bool service = own.seat == own.directory && own.path.ends_with(".service");
  return !own.writable || service || (others_inside && !own.controllers.empty());
}

std::vector<std::string> scope_command(const std::string& systemd_run,
                                       const std::vector<std::string>& command) {
  std::vector<std::string> full = {systemd_run, "--user", "--scope",      "--quiet",
                                   "--collect", "-p",     "Delegate=yes", "--"};
  full.insert(full.end(), command.begin(), command.end());
  return full;
}

std::optional<std::string> scope_controllers() {
  std::string systemd_run = find_program("systemd-run");
  if (systemd_run.empty() || !connect_user_manager()) return std::nullopt;
  CgroupFinding own = inspect_own_cgroup();
  std::string read = "cat \"$0$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.controllers\"";
  auto trial = run_program(scope_command(systemd_run, {"sh", "-c", read, own.mount_point}));
  if (!trial || trial->status != 0) return std::nullopt;
  return trial->output;
}

bool would_move() {
  CgroupFinding own = inspect_own_cgroup();
  return wants_scope(own, !own.directory.empty() && others_in(own.directory));
}

void move_to_own_scope() {
  if (getenv(kMark) != nullptr) {
    unsetenv(kMark);
    return;
  }
  if (!would_move() || !connect_user_manager()) return;
  std::string systemd_run = find_program("systemd-run");
  std::vector<std::string> command = own_command();
  if (systemd_run.empty() || command.empty() || command[0].empty()) return;
  auto trial = run_program(scope_command(systemd_run, {"true"}));
  if (!trial || trial->status != 0) return;
  setenv(kMark, "1", 1);
  (void)execute(scope_command(systemd_run, command), 3);
  unsetenv(kMark);
}

}  // namespace lichen::launcher
