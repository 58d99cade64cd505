#include "launcher/program.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "core/spawn.h"
#include "core/text.h"
#include "launcher/clock.h"

namespace lichen::launcher {

namespace {

constexpr size_t kMaxOutput = 65536;

bool is_executable(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
}

// Reads until every writer has gone, or the time is up.
Status drain(const Fd& from, std::string& into, int64_t deadline) {
  char chunk[4096];
  for (;;) {
    pollfd ready{from.get(), POLLIN, 0};
    int64_t left = deadline - monotonic_ms();
    if (left <= 0) return sys_error("wait", "", ETIMEDOUT);
    if (poll(&ready, 1, static_cast<int>(left)) <= 0) continue;
    ssize_t n = read(from.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return {};
    if (into.size() < kMaxOutput) into.append(chunk, static_cast<size_t>(n));
  }
}

}  // namespace

std::string find_program(const std::string& name) {
  const char* path = getenv("PATH");
  for (std::string_view directory : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    if (directory.empty()) continue;
    std::string candidate = std::string(directory) + "/" + name;
    if (is_executable(candidate)) return candidate;
  }
  return "";
}

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** one = environ; *one != nullptr; one++) variables.emplace_back(*one);
  return variables;
}

Result<ProgramOutput> run_program(const std::vector<std::string>& arguments, int timeout_ms) {
  int64_t deadline = monotonic_ms() + timeout_ms;
  LICHEN_ASSIGN(Pipe pipe, make_pipe());
  SpawnRequest request;
  request.file = arguments[0];
  request.args = arguments;
  request.env = environment();
  request.fds = {
      {ChildFd::Kind::kNull}, {ChildFd::Kind::kGiven, &pipe.write}, {ChildFd::Kind::kGiven, &pipe.write}};
  LICHEN_ASSIGN(Spawned child, spawn(request));
  pipe.write.reset();

  ProgramOutput result;
  Status drained = drain(pipe.read, result.output, deadline);
  if (!drained) kill(child.pid, SIGKILL);
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!drained) return sys_error("run", "\"" + arguments[0] + "\"", ETIMEDOUT);
  result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace lichen::launcher
