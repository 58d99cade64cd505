#include "core/child_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "in_namespaces.h"

using namespace lichen;

namespace {

int exit_code(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// A process beside another: our child, and in the other's PID namespace.
std::string born_beside() {
  auto first = clone_process(CLONE_NEWPID, Fd());
  if (!first) return first.error().text();
  if (first->pid == 0) {
    pause();
    _exit(0);
  }
  auto second = clone_process_joining({Fd(), first->pidfd}, 0, Fd());
  if (!second) return second.error().text();
  if (second->pid == 0) _exit(getpid() == 2 ? 7 : 8);
  int code = exit_code(second->pid);
  if (code != 7) return "the second process ended with " + std::to_string(code);
  kill(first->pid, SIGKILL);
  if (exit_code(first->pid) != 137) return "the first process was not ours";
  auto late = clone_process_joining({Fd(), first->pidfd}, 0, Fd());
  if (late) return "a process was born beside a dead one";
  if (late.error().code != "ESRCH") return late.error().text();
  if (waitpid(-1, nullptr, WNOHANG) != -1) return "a process is left over";
  return "";
}

}  // namespace

TEST_CASE("a child is a copy, with a pidfd for its parent") {
  auto child = clone_process(0, Fd());
  REQUIRE(child.ok());
  if (child->pid == 0) _exit(child->pidfd ? 1 : 5);
  CHECK(bool(child->pidfd));
  CHECK(exit_code(child->pid) == 5);
}

TEST_CASE("a process is born in another one's PID namespace, as a child of the caller") {
  std::string wrong = in_namespaces(born_beside);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}

TEST_CASE("every descriptor but the kept ones is closed, whatever their order") {
  pid_t pid = fork();
  if (pid == 0) {
    Fd a(fcntl(0, F_DUPFD, 10)), b(fcntl(0, F_DUPFD, 20)), c(fcntl(0, F_DUPFD, 30)), none;
    close_all_but({&c, &none, &a});
    bool kept = fcntl(a.get(), F_GETFD) == 0 && fcntl(c.get(), F_GETFD) == 0 && fcntl(0, F_GETFD) == 0;
    _exit(kept && fcntl(b.get(), F_GETFD) == -1 ? 0 : 1);
  }
  CHECK(exit_code(pid) == 0);
}

TEST_CASE("signals are as a program expects them") {
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGPIPE, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    reset_signals();
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    _exit(signal(SIGPIPE, SIG_DFL) == SIG_DFL && sigisemptyset(&now) ? 0 : 1);
  }
  CHECK(exit_code(pid) == 0);
}
