#include "launcher/uplink.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "environment_variable.h"
#include "scratch_directory.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

// A shell as the uplink program: it knows where its log and the mark of its readiness belong.
struct Program {
  ScratchDirectory scratch;
  UplinkFiles files{scratch.path("log"), scratch.path("ready")};
  pid_t pid = 0;

  Result<UplinkProcess> run(const std::string& script) {
    pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      setenv("LOG", files.log.c_str(), 1);
      setenv("READY", files.ready.c_str(), 1);
      execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
      _exit(127);
    }
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    REQUIRE(static_cast<bool>(pidfd));
    return await_uplink("pasta", pid, std::move(pidfd), files);
  }
};

bool is_reaped(pid_t pid) { return waitpid(pid, nullptr, WNOHANG) < 0 && kill(pid, 0) < 0; }

}  // namespace

TEST_CASE("an uplink is there when it says so, and is ended when asked") {
  Program program;
  auto uplink = program.run("echo ready > $READY; exec sleep 100");
  REQUIRE(uplink.ok());
  CHECK(uplink->kind == "pasta");
  CHECK(uplink->identity.pid == program.pid);
  CHECK(kill(program.pid, 0) == 0);
  end_uplink(uplink.value());
  CHECK(is_reaped(program.pid));
}

TEST_CASE("one that does not listen is killed") {
  Program program;
  auto uplink = program.run("trap '' TERM; echo ready > $READY; while :; do sleep 0.1; done");
  REQUIRE(uplink.ok());
  end_uplink(uplink.value());
  CHECK(is_reaped(program.pid));
}

TEST_CASE("one that ends says why, in its own last words") {
  Program program;
  auto uplink =
      program.run("echo first >> $LOG; echo '  No route  ' >> $LOG; echo 'no syslog here' >> $LOG; exit 1");
  REQUIRE_FALSE(uplink.ok());
  CHECK(uplink.error().code == "UPLINK_FAILED");
  CHECK(uplink.error().text().find("pasta: No route (UPLINK_FAILED)") != std::string::npos);
  CHECK(is_reaped(program.pid));
}

TEST_CASE("one that ends in silence is told of all the same") {
  Program program;
  auto uplink = program.run("exit 0");
  REQUIRE_FALSE(uplink.ok());
  CHECK(uplink.error().text().find("ended without a message") != std::string::npos);
}

TEST_CASE("one that never becomes ready is killed after five seconds") {
  Program program;
  auto uplink = program.run("exec sleep 100");
  REQUIRE_FALSE(uplink.ok());
  CHECK(uplink.error().text().find("did not become ready in time") != std::string::npos);
  CHECK(is_reaped(program.pid));
}

TEST_CASE("an empty mark is none") {
  Program program;
  auto uplink = program.run(": > $READY; exit 3");
  CHECK_FALSE(uplink.ok());
}

TEST_CASE("switched off there is none, without a warning") {
  Program program;
  Warnings warnings;
  UplinkWish wish;
  wish.choice = UplinkChoice::kNone;
  StartedUplink started = start_uplink(wish, getpid(), Subnet{}, program.files, warnings);
  CHECK_FALSE(started.process.has_value());
  CHECK(started.state.kind == "none");
  CHECK(started.state.reason == "switched off by --uplink none");
  CHECK(warnings.empty());
}

TEST_CASE(
    "a machine without a program, or with ones that fail, has none: each reason, and one command that mends "
    "it") {
  if (access("/dev/net/tun", R_OK | W_OK) != 0) {
    MESSAGE("skip: there is no /dev/net/tun");
    return;
  }
  Program program;
  // Nothing is found but what the test puts there.
  EnvironmentVariable path("PATH", program.scratch.directory("bin"));
  UplinkWish wish;
  Warnings warnings;
  StartedUplink started = start_uplink(wish, getpid(), Subnet{}, program.files, warnings);
  CHECK_FALSE(started.process.has_value());
  CHECK(started.state.reason == "pasta is not in PATH; slirp4netns is not in PATH");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].code == "UPLINK_MISSING");
  CHECK(warnings[0].message.find("pods reach nothing beyond this node") != std::string::npos);
  CHECK(warnings[0].hint.find("passt") != std::string::npos);

  program.scratch.file("bin/pasta", "#!/bin/sh\necho 'pasta cannot today' >&2\nexit 1\n");
  REQUIRE(chmod(program.scratch.path("bin/pasta").c_str(), 0755) == 0);
  warnings.clear();
  started = start_uplink(wish, getpid(), Subnet{}, program.files, warnings);
  CHECK_FALSE(started.process.has_value());
  CHECK(started.state.reason.find("pasta cannot today") != std::string::npos);
  CHECK(started.state.reason.find("slirp4netns is not in PATH") != std::string::npos);
  CHECK(warnings.size() == 1);
}
