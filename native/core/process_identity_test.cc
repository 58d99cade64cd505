#include "core/process_identity.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

using namespace lichen;

TEST_CASE("the start time is found behind any command name") {
  CHECK(parse_start_time("7 (a) b) S 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0") == 4711u);
  CHECK(!parse_start_time("7 (sh) S 1 2 3"));
  CHECK(!parse_start_time(""));
}

TEST_CASE("a pid file says which process it meant") {
  ProcessIdentity process{123, 4567890123};
  CHECK(format_pid_file(process) == "123 4567890123\n");
  CHECK(parse_pid_file("123 4567890123\n") == process);
  CHECK(!parse_pid_file("123\n"));
  CHECK(!parse_pid_file("-1 5\n"));
  CHECK(!parse_pid_file("123 x\n"));
  CHECK(!parse_pid_file(""));
}

TEST_CASE("a process is opened only while its PID means it") {
  auto own = identify_process(getpid());
  REQUIRE(own.ok());
  CHECK(open_process(own.value()).ok());

  auto other = open_process({getpid(), own->start_time + 1});
  REQUIRE(!other.ok());
  CHECK(other.error().number == ESRCH);

  pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  auto dead = identify_process(child);
  REQUIRE(dead.ok());
  auto zombie = open_process(dead.value());
  CHECK(!zombie.ok());
  waitpid(child, nullptr, 0);
  CHECK(!identify_process(child).ok());
}
