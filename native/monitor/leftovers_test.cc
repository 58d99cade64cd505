#include "monitor/leftovers.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/fd.h"

using namespace lichen;
using namespace lichen::monitor;

namespace {

// A process in a user, mount and cgroup namespace of its own, with a child there; told by a byte when both
// are there.
pid_t start_family(const Fd& ready) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) != 0) _exit(1);
  // The child leaves group and session.
  pid_t child = fork();
  if (child == 0) setsid();
  if (child > 0) (void)!write(ready.get(), "x", 1);
  for (;;) pause();
}

void check_killed_by(Mark mark) {
  pid_t bystander = fork();
  if (bystander == 0)
    for (;;) pause();
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  Fd read_end(ends[0]), write_end(ends[1]);
  pid_t family = start_family(write_end);
  write_end.reset();
  char byte = 0;
  if (read(read_end.get(), &byte, 1) != 1) {
    MESSAGE("skip: user namespaces cannot be made here");
  } else {
    auto space = space_of(family, mark);
    REQUIRE(space);
    kill_processes_of(*space);
    // The pipe ends when the last holder of its writing end, the child, is gone.
    CHECK(read(read_end.get(), &byte, 1) == 0);
    CHECK(kill(bystander, 0) == 0);
  }
  kill(family, SIGKILL);
  kill(bystander, SIGKILL);
  int status = 0;
  CHECK(waitpid(family, &status, 0) == family);
  CHECK(waitpid(bystander, &status, 0) == bystander);
}

}  // namespace

TEST_CASE("every process of a mount namespace is killed, and nobody else") { check_killed_by(Mark::mount); }

TEST_CASE("every process of a cgroup namespace is killed, whatever its session") {
  check_killed_by(Mark::cgroup);
}

TEST_CASE("a process that has ended has no namespace, and our own is spared") {
  for (Mark mark : {Mark::mount, Mark::cgroup}) {
    CHECK(!space_of(0x3fffffff, mark));
    auto own = space_of(getpid(), mark);
    REQUIRE(own);
    kill_processes_of(*own);  // returns, which a killed process would not
  }
}

TEST_CASE("who lives in a namespace that was made after the last one ended is spared") {
  for (Mark mark : {Mark::mount, Mark::cgroup}) {
    Pipe one = std::move(make_pipe()).value();
    pid_t first = start_family(one.write);
    one.write.reset();
    char byte = 0;
    if (read(one.read.get(), &byte, 1) != 1) {
      MESSAGE("skip: user namespaces cannot be made here");
      waitpid(first, nullptr, 0);
      return;
    }
    auto space = space_of(first, mark);
    REQUIRE(space);
    kill_processes_of(*space);
    waitpid(first, nullptr, 0);
    // Nobody lives there any more: whoever comes next would have its number, were it not held.
    for (int round = 0; round < 20; round++) {
      Pipe other = std::move(make_pipe()).value();
      pid_t next = start_family(other.write);
      other.write.reset();
      REQUIRE(read(other.read.get(), &byte, 1) == 1);
      auto its = space_of(next, mark);
      REQUIRE(its);
      CHECK(its->number != space->number);
      kill_processes_of(*space);
      CHECK(kill(next, 0) == 0);
      CHECK(waitpid(next, nullptr, WNOHANG) == 0);
      kill_processes_of(*its);
      waitpid(next, nullptr, 0);
    }
  }
}
