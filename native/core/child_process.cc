#include "core/child_process.h"

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

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

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_all_but(std::initializer_list<const Fd*> kept) {
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
