#include "launcher/runtime_dir.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../../test/native/scratch_directory.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

struct Scratch {
  Scratch() { REQUIRE(mkdtemp(path.data()) != nullptr); }
  ~Scratch() { std::filesystem::remove_all(path); }
  std::string path = scratch_pattern("lichen-test-XXXXXX");
};

// What another process gets told when it wants the directory.
std::string open_elsewhere(const std::string& path) {
  auto pipe = make_pipe();
  REQUIRE(pipe.ok());
  pid_t child = fork();
  if (child == 0) {
    auto directory = RuntimeDirectory::open(path);
    std::string text = directory ? "opened" : directory.error().text();
    (void)write_all(pipe->write, text.data(), text.size());
    _exit(0);
  }
  pipe->write.reset();
  auto text = read_all(pipe->read);
  waitpid(child, nullptr, 0);
  return text ? text.value() : "";
}

}  // namespace

TEST_CASE("the directory is made private and has one launcher at a time") {
  Scratch scratch;
  std::string path = std::string(scratch.path) + "/a/b";
  {
    auto directory = RuntimeDirectory::open(path);
    REQUIRE(directory.ok());
    struct stat status;
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    std::string refusal = open_elsewhere(path);
    CHECK(refusal.find("the launcher with PID " + std::to_string(getpid()) + " is serving it (LOCKED)") !=
          std::string::npos);
  }
  CHECK(open_elsewhere(path) == "opened");
}

TEST_CASE("a directory that others may enter is closed to them, a link is refused") {
  Scratch scratch;
  std::string open_path = std::string(scratch.path) + "/open";
  REQUIRE(mkdir(open_path.c_str(), 0755) == 0);
  REQUIRE(chmod(open_path.c_str(), 0777) == 0);
  REQUIRE(RuntimeDirectory::open(open_path).ok());
  struct stat status;
  REQUIRE(stat(open_path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);

  std::string link = std::string(scratch.path) + "/link";
  REQUIRE(symlink(open_path.c_str(), link.c_str()) == 0);
  auto refused = RuntimeDirectory::open(link);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == "UNSAFE_DIRECTORY");
}

TEST_CASE("PID files name living processes only") {
  Scratch scratch;
  auto directory = RuntimeDirectory::open(scratch.path);
  REQUIRE(directory.ok());
  auto self = identify_process(getpid());
  REQUIRE(self.ok());
  REQUIRE(directory->write_pid("daemon.pid", self.value()).ok());
  CHECK(read_live_pid(directory->file("daemon.pid")) == self.value());

  REQUIRE(directory->write_pid("daemon.pid", {getpid(), self->start_time + 1}).ok());
  CHECK(!read_live_pid(directory->file("daemon.pid")));
  CHECK(!read_live_pid(directory->file("missing.pid")));

  CHECK(live_monitors(scratch.path).empty());
  for (const char* pod : {"/pods", "/pods/aaaa", "/pods/bbbb"})
    REQUIRE(mkdir((scratch.path + std::string(pod)).c_str(), 0700) == 0);
  std::ofstream(directory->file("pods/aaaa/monitor.pid")) << format_pid_file(self.value());
  CHECK(live_monitors(scratch.path) == std::vector<ProcessIdentity>{self.value()});
}
