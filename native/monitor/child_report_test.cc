#include "monitor/child_report.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lichen;
using namespace lichen::monitor;

namespace {

ChildReport heard(const Fd& channel) {
  auto packet = receive_packet(channel);
  REQUIRE(packet.ok());
  REQUIRE(packet.value().has_value());
  auto report = read_report(std::move(*packet.value()));
  REQUIRE(report.ok());
  return std::move(report).value();
}

int exit_code(pid_t pid) {
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("ready carries the descriptors there are, each in its place") {
  SocketPair pair = std::move(make_packet_pair()).value();
  Pipe pipe = std::move(make_pipe()).value();
  REQUIRE(report_ready(pair.second, Fd(), Fd()).ok());
  REQUIRE(report_ready(pair.second, pipe.read, Fd()).ok());
  REQUIRE(report_ready(pair.second, Fd(), pipe.write).ok());
  ChildReport plain = heard(pair.first);
  CHECK(!plain.error);
  CHECK(!plain.terminal);
  CHECK(!plain.seccomp);
  ChildReport terminal = heard(pair.first);
  CHECK(bool(terminal.terminal));
  CHECK(!terminal.seccomp);
  ChildReport seccomp = heard(pair.first);
  CHECK(!seccomp.terminal);
  CHECK(bool(seccomp.seccomp));
}

TEST_CASE("a failure ends the process and arrives as it was") {
  SocketPair pair = std::move(make_packet_pair()).value();
  pid_t pid = fork();
  if (pid == 0) report_failure(pair.second, sys_error("chdir", "\"/x\"", 2), 126);
  CHECK(exit_code(pid) == 126);
  ChildReport report = heard(pair.first);
  REQUIRE(report.error);
  CHECK(report.error->text() == "chdir \"/x\": No such file or directory (ENOENT)");
}

TEST_CASE("a process at its gate goes on at the word, and ends when the monitor has gone") {
  for (bool go : {true, false}) {
    SocketPair pair = std::move(make_packet_pair()).value();
    pid_t pid = fork();
    if (pid == 0) {
      pair.first.reset();
      wait_for_go(pair.second);
      _exit(42);
    }
    pair.second.reset();
    if (go) REQUIRE(send_go(pair.first).ok());
    pair.first.reset();
    CHECK(exit_code(pid) == (go ? 42 : 1));
  }
}

TEST_CASE("what is no report is an error") {
  CHECK(!read_report(Packet{"nonsense", {}}).ok());
  CHECK(!read_report(Packet{R"({"terminal":"yes"})", {}}).ok());
}
