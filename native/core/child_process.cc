#include "core/child_process.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace lichen {

Result<ChildProcess> clone_process(unsigned long namespaces, const Fd& cgroup) {
  int pidfd = -1;
  clone_args args{};
  args.flags = namespaces | CLONE_PIDFD | (cgroup ? CLONE_INTO_CGROUP : 0);
  args.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = cgroup ? static_cast<unsigned>(cgroup.get()) : 0;
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) return sys_error("clone3", cgroup ? "(into cgroup)" : "");
  ChildProcess child;
  child.pid = static_cast<pid_t>(pid);
  if (pid != 0) child.pidfd = Fd(pidfd);
  return child;
}

Result<ChildProcess> clone_process_joining(const JoinedNamespaces& joined, unsigned long namespaces,
                                           const Fd& cgroup) {
  if (!joined.user && !joined.member) return clone_process(namespaces, cgroup);
  clone_args args{};
  // CLONE_PARENT: the child is the caller's own, and sends it the signal that the process in between would.
  args.flags = namespaces | CLONE_PARENT | (cgroup ? CLONE_INTO_CGROUP : 0);
  args.cgroup = cgroup ? static_cast<unsigned>(cgroup.get()) : 0;
  volatile long result = 0;  // written by the process in between, which shares the caller's memory
  pid_t between = vfork();
  if (between < 0) return sys_error("vfork");
  if (between == 0) {
    if ((joined.user && syscall(SYS_setns, joined.user.get(), CLONE_NEWUSER) != 0) ||
        (joined.member && syscall(SYS_setns, joined.member.get(), CLONE_NEWPID) != 0)) {
      result = -errno;
      _exit(0);
    }
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) return ChildProcess();  // in a copy of the memory, where nobody else runs
    result = pid < 0 ? -errno : pid;
    _exit(0);
  }
  while (waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (result < 0) return sys_error("clone3", "(in other namespaces)", static_cast<int>(-result));
  ChildProcess child;
  child.pid = static_cast<pid_t>(result);
  child.pidfd = Fd(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) {
    Error error = sys_error("pidfd_open");
    kill(child.pid, SIGKILL);
    return error;
  }
  return child;
}

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_all_but(const std::vector<const Fd*>& kept) {
  std::vector<unsigned> numbers;
  for (const Fd* fd : kept)
    if (*fd && fd->get() > 2) numbers.push_back(static_cast<unsigned>(fd->get()));
  std::sort(numbers.begin(), numbers.end());
  unsigned from = 3;
  for (unsigned number : numbers) {
    if (number > from) close_range(from, number - 1, 0);
    from = number + 1;
  }
  close_range(from, ~0u, 0);
}

Status die_with_parent() {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return sys_error("prctl", "PR_SET_PDEATHSIG");
  return {};
}

}  // namespace lichen
