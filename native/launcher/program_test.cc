#include "launcher/program.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "environment_variable.h"
#include "launcher/clock.h"
#include "scratch_directory.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

Result<ProgramOutput> shell(const std::string& script, int timeout_ms = 10000) {
  return run_program({"/bin/sh", "-c", script}, timeout_ms);
}

}  // namespace

TEST_CASE("a program is the first executable file of its name") {
  ScratchDirectory scratch;
  for (const char* name : {"a", "b", "c"}) scratch.directory(name);
  scratch.directory("a/tool");            // a directory
  scratch.file("b/tool", "#!/bin/sh\n");  // not executable
  scratch.file("c/tool", "#!/bin/sh\n");
  REQUIRE(chmod(scratch.path("c/tool").c_str(), 0755) == 0);
  EnvironmentVariable path("PATH",
                           scratch.path("a") + "::" + scratch.path("b") + ":/nowhere:" + scratch.path("c"));
  CHECK(find_program("tool") == scratch.path("c/tool"));
  CHECK(find_program("no-such-tool").empty());
}

TEST_CASE("status and all output of a program, in the order of writing") {
  auto done = shell("echo out; echo err >&2; echo again; exit 7");
  REQUIRE(done.ok());
  CHECK(done->status == 7);
  CHECK(done->output == "out\nerr\nagain\n");
  CHECK(shell("kill -TERM $$")->status == 128 + 15);
}

TEST_CASE("it has our environment, nothing to read, and none of our descriptors") {
  EnvironmentVariable variable("LICHEN_TEST_WORD", "hello");
  std::vector<std::string> all = environment();
  CHECK(std::find(all.begin(), all.end(), "LICHEN_TEST_WORD=hello") != all.end());
  Pipe ours = std::move(make_pipe()).value();
  auto done = shell("echo $LICHEN_TEST_WORD; cat; ls /proc/self/fd | wc -l");
  REQUIRE(done.ok());
  CHECK(done->output == "hello\n4\n");  // three, and ls's own
}

TEST_CASE("what writes without end is cut, and does not hang") {
  auto done = shell("head -c 10000000 /dev/zero");
  REQUIRE(done.ok());
  CHECK(done->status == 0);
  CHECK(done->output.size() >= 65536);
  CHECK(done->output.size() < 65536 + 4096);
}

TEST_CASE("what takes too long is killed and reaped, and named") {
  int64_t began = monotonic_ms();
  auto done = shell("exec sleep 100", 100);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == "ETIMEDOUT");
  CHECK(done.error().text().find("/bin/sh") != std::string::npos);
  CHECK(monotonic_ms() - began < 50000);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);  // no child is left
}

TEST_CASE("a program that cannot be started is an error with its name") {
  auto done = run_program({"/no/such/program"});
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == "ENOENT");
  CHECK(done.error().text().find("/no/such/program") != std::string::npos);
}
