#include "launcher/daemon_process.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "core/child_process.h"
#include "core/scm.h"

namespace lichen::launcher {

namespace {

Status arrange_stdin_and_channel(const Fd& channel) {
  LICHEN_ASSIGN(Fd null_device, open_at({}, "/dev/null", O_RDWR));
  if (dup2(null_device.get(), STDIN_FILENO) < 0) return sys_error("dup2", "stdin");
  // dup2 onto itself would keep close-on-exec.
  LICHEN_ASSIGN(Fd copy, channel.duplicate());
  if (copy.get() == 3) {
    if (fcntl(copy.release(), F_SETFD, 0) != 0) return sys_error("fcntl(F_SETFD)");
  } else if (dup2(copy.get(), 3) < 0) {
    return sys_error("dup2", "3");
  }
  return {};
}

Status become_daemon(pid_t launcher, const Namespaces& namespaces, const Fd& channel) {
  char directory[PATH_MAX];
  bool has_directory = getcwd(directory, sizeof directory) != nullptr;
  setpgid(0, 0);
  LICHEN_TRY(join(namespaces));
  if (has_directory) (void)!chdir(directory);
  die_with_parent(launcher, SIGTERM);
  umask(022);
  LICHEN_TRY(arrange_stdin_and_channel(channel));
  reset_signals();
  return {};
}

}  // namespace

Error execute(const std::vector<std::string>& command, unsigned first_closed) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  close_range(first_closed, ~0U, CLOSE_RANGE_CLOEXEC);
  execvp(arguments[0], arguments.data());
  return sys_error("execute", "\"" + command[0] + "\"");
}

Result<DaemonProcess> start_daemon(const Namespaces& namespaces, const std::vector<std::string>& command) {
  LICHEN_ASSIGN(SocketPair sockets, make_packet_pair());
  LICHEN_ASSIGN(Pipe executed, make_pipe());
  pid_t launcher = getpid();
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0) {
    Status ready = become_daemon(launcher, namespaces, sockets.second);
    Error error = ready ? execute(command, 4) : ready.error();
    std::fprintf(stderr, "lichen-launcher: %s\n", error.text().c_str());
    _exit(127);
  }
  // The pipe closes with execve, or with the child's end: from then on the PID is in its namespaces, or gone.
  executed.write.reset();
  (void)read_all(executed.read);
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return sys_error("pidfd_open", std::to_string(pid));
  fcntl(sockets.first.get(), F_SETFL, O_NONBLOCK);
  return DaemonProcess{pid, std::move(pidfd), std::move(sockets.first)};
}

}  // namespace lichen::launcher
