#include "launcher/namespaces.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/process_identity.h"
#include "sleeper.h"

using namespace lichen;
using namespace lichen::launcher;

TEST_CASE("namespaces are told apart by number, and are the same however they are opened") {
  Sleeper child(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(child);
  auto own = identify_namespaces(getpid());
  auto there = identify_namespaces(child.pid());
  REQUIRE(own.ok());
  REQUIRE(there.ok());
  CHECK(own->user != there->user);
  CHECK(own->mount != there->mount);
  CHECK(own->network != there->network);
  CHECK(own->cgroup != there->cgroup);
  auto open = open_namespaces(child.pid());
  REQUIRE(open.ok());
  CHECK(identify(open.value()).value() == there.value());
}

TEST_CASE("the owner of a user namespace is who made it") {
  Sleeper child(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(child);
  auto open = open_namespaces(child.pid());
  REQUIRE(open.ok());
  auto owner = owner_of_user_namespace(open->user);
  REQUIRE(owner.ok());
  CHECK(owner.value() == getuid());
  CHECK_FALSE(owner_of_user_namespace(open->network).ok());
}

TEST_CASE("who joins is in all of them, as root there") {
  Sleeper child(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(child);
  auto open = open_namespaces(child.pid());
  REQUIRE(open.ok());
  NamespaceIds there = identify(open.value()).value();
  pid_t joiner = fork();
  REQUIRE(joiner >= 0);
  if (joiner == 0) {
    if (!join(open.value())) _exit(1);
    auto here = identify_namespaces(getpid());
    _exit(here && here.value() == there && getuid() == 0 ? 0 : 2);
  }
  int status = 0;
  waitpid(joiner, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a holder keeps them alive after their first process, until it goes") {
  Sleeper child(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(child);
  auto open = open_namespaces(child.pid());
  REQUIRE(open.ok());
  NamespaceIds there = identify(open.value()).value();
  pid_t pid = 0;
  {
    auto holder = Holder::start(open.value());
    REQUIRE(holder.ok());
    child.end();
    pid = holder->pid();
    auto held = identify_namespaces(pid);
    REQUIRE(held.ok());
    CHECK(held.value() == there);
  }
  CHECK_FALSE(identify_process(pid).ok());
}

TEST_CASE("a process that is not there has none") {
  Sleeper child(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(child);
  pid_t gone = child.pid();
  child.end();
  CHECK_FALSE(open_namespaces(gone).ok());
  CHECK_FALSE(identify_namespaces(gone).ok());
}

TEST_CASE("who dies with a parent dies with it, also when it is dead already") {
  Pipe pipe = std::move(make_pipe()).value();
  pid_t parent = fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    pid_t self = getpid();
    pid_t child = fork();
    if (child == 0) {
      die_with_parent(self, SIGKILL);
      if (write(pipe.write.get(), "+", 1) != 1) _exit(1);
      for (;;) pause();  // the pipe's end is open as long as this lives
    }
    for (;;) pause();
  }
  pipe.write.reset();
  char byte;
  REQUIRE(read(pipe.read.get(), &byte, 1) == 1);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  pollfd end{pipe.read.get(), POLLIN, 0};
  REQUIRE(poll(&end, 1, 5000) == 1);
  CHECK(read(pipe.read.get(), &byte, 1) == 0);

  pid_t late = fork();
  REQUIRE(late >= 0);
  if (late == 0) {
    die_with_parent(1 << 30, SIGKILL);  // nobody's parent: as if it had died before
    _exit(0);
  }
  int status = 0;
  waitpid(late, &status, 0);
  CHECK(WEXITSTATUS(status) == 1);
}
