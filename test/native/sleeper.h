// For tests that look at another process, or end it: a child that sleeps, and ends with the object.
#pragma once

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "core/process_identity.h"
#include "in_namespaces.h"

class Sleeper {
 public:
  enum class Where { here, apart };  // apart: in user, network, mount and cgroup namespaces of its own

  // `ignoring`: SIGTERM. pid() is 0 where the kernel gives no such namespaces.
  explicit Sleeper(Where where, bool ignoring = false) {
    auto pipe = lichen::make_pipe();
    REQUIRE(pipe.ok());
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      signal(SIGTERM, ignoring ? SIG_IGN : SIG_DFL);
      if (where == Where::apart && !enter_namespaces(CLONE_NEWNS | CLONE_NEWCGROUP)) _exit(1);
      if (write(pipe->write.get(), "+", 1) != 1) _exit(1);
      for (;;) pause();
    }
    pipe->write.reset();
    char byte;
    if (read(pipe->read.get(), &byte, 1) != 1) end();
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { end(); }

  void end() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  // How it ended: the signal, 0 while it runs.
  int signal_of_death() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return 0;
    pid_ = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
  }
  pid_t pid() const { return pid_; }
  lichen::ProcessIdentity identity() const { return lichen::identify_process(pid_).value(); }

 private:
  pid_t pid_ = 0;
};

// Leaves the test, saying why, when a Sleeper could not be started apart.
#define LICHEN_SKIP_WITHOUT(sleeper)                         \
  if ((sleeper).pid() == 0) {                                \
    MESSAGE("skip: this user may not make user namespaces"); \
    return;                                                  \
  }
