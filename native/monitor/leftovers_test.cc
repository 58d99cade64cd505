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

// A process in a user and mount namespace of its own, with a child there; told by a byte when both are there.
pid_t start_family(const Fd& ready) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(1);
  if (fork() > 0) (void)!write(ready.get(), "x", 1);
  for (;;) pause();
}

}  // namespace

TEST_CASE("every process of a mount namespace is killed, and nobody else") {
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
    auto space = mount_namespace_of(family);
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

TEST_CASE("a process that has ended has no namespace, and our own is spared") {
  CHECK(!mount_namespace_of(0x3fffffff));
  auto own = mount_namespace_of(getpid());
  REQUIRE(own);
  kill_processes_of(*own);  // returns, which a killed process would not
}
