#include "core/spawn.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lichen;

namespace {

ChildFd given(const Fd& fd) { return {ChildFd::Kind::kGiven, &fd}; }
constexpr ChildFd kInherit{ChildFd::Kind::kInherit, nullptr};

int exit_code(const Spawned& child) {
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

// What `script` prints, with descriptor 1 a pipe.
std::string output_of(const std::string& script, SpawnRequest request = {}) {
  auto pipe = make_pipe();
  REQUIRE(pipe.ok());
  request.file = "/bin/sh";
  request.args = {"sh", "-c", script};
  if (request.fds.size() < 2) request.fds.resize(2);
  request.fds[1] = given(pipe->write);
  auto child = spawn(request);
  if (!child) return child.error().text();
  pipe->write.reset();
  auto text = read_all(pipe->read);
  CHECK(exit_code(child.value()) == 0);
  return text.value();
}

}  // namespace

TEST_CASE("program, arguments, environment and working directory arrive") {
  SpawnRequest request;
  request.env = {"A=1", "B=two words"};
  request.cwd = "/proc";
  CHECK(output_of("echo \"$A|$B|$PWD\"", request) == "1|two words|/proc\n");
}

TEST_CASE("descriptors land on their numbers whatever the order, and no other crosses") {
  auto one = make_pipe();
  auto two = make_pipe();
  REQUIRE(write_all(one->write, "one\n", 4).ok());
  REQUIRE(write_all(two->write, "two\n", 4).ok());
  one->write.reset();
  two->write.reset();
  // The sources swapped onto each other's numbers, where they have low ones.
  SpawnRequest request;
  request.fds = {{}, {}, kInherit, given(two->read), given(one->read)};
  CHECK(output_of("read a <&3; read b <&4; echo $a $b", request) == "two one\n");
  // 0 … 4, and the directory that ls itself has open.
  Fd leak(open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  CHECK(output_of("ls /proc/self/fd | wc -l", request) == "6\n");
}

TEST_CASE("failures name the step and leave no child") {
  SpawnRequest request{.file = "/nonexistent/program", .args = {"x"}};
  auto child = spawn(request);
  CHECK(child.error().text() == "execve \"/nonexistent/program\": No such file or directory (ENOENT)");
  request.file = "/etc/passwd";
  CHECK(spawn(request).error().code == "EACCES");
  request.file = "/bin/true";
  request.cwd = "/nonexistent";
  CHECK(spawn(request).error().text() == "chdir \"/nonexistent\": No such file or directory (ENOENT)");
  request.file = "true";
  CHECK(spawn(request).error().code == "EINVAL");
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("signals start at their default, unblocked, whatever the parent does with them") {
  auto before = signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_SETMASK, &blocked, &old);
  std::string status = output_of("grep -E 'SigBlk|SigIgn' /proc/self/status");
  sigprocmask(SIG_SETMASK, &old, nullptr);
  signal(SIGPIPE, before);
  CHECK(status == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a pidfd tells how the child ended") {
  SpawnRequest request{.file = "/bin/sh", .args = {"sh", "-c", "kill -9 $$"}, .fds = {{}, {}, kInherit}};
  auto child = spawn(request);
  REQUIRE(child.ok());
  CHECK((fcntl(child->pidfd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(exit_code(child.value()) == 137);
}

TEST_CASE("a cgroup that is none is refused") {
  auto directory = open_at({}, "/tmp", O_PATH | O_DIRECTORY);
  SpawnRequest request{.file = "/bin/true", .args = {"true"}, .cgroup = &directory.value()};
  auto child = spawn(request);
  REQUIRE(!child.ok());
  CHECK(child.error().operation == "clone3");
  CHECK(child.error().code == "EBADF");
}
