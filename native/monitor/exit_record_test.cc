#include "monitor/exit_record.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "../../test/native/scratch_directory.h"
#include "core/beneath.h"

using namespace lichen;
using namespace lichen::monitor;

namespace {

struct Directory {
  ScratchDirectory scratch;
  std::string path = scratch.path();
  Fd fd = std::move(open_at({}, path, O_PATH | O_DIRECTORY)).value();
};

}  // namespace

TEST_CASE("a status becomes a code as a shell would say it") {
  CHECK(exit_from_status(0).code == 0);
  CHECK(exit_from_status(7 << 8).code == 7);
  Exit killed = exit_from_status(9);
  CHECK(killed.code == 137);
  CHECK(killed.signal == 9);
  CHECK(exit_from_status(11 | 0x80).code == 139);  // with a core dump
  CHECK(killed.at > 1700000000000000000);
}

TEST_CASE("a record is whole, replaces an older one, and can be removed") {
  Directory pod;
  REQUIRE(save_exit_record(pod.fd, "abc", {1, 0, 5, false}).ok());
  REQUIRE(save_exit_record(pod.fd, "abc", {137, 9, 1764000000000000001, true}).ok());
  CHECK(read_file(pod.path + "/exits/abc").value() ==
        "{\"code\":137,\"signal\":9,\"at\":\"1764000000000000001\",\"oom\":true}\n");
  CHECK(access((pod.path + "/exits/.abc").c_str(), F_OK) != 0);
  remove_exit_record(pod.fd, "abc");
  CHECK(access((pod.path + "/exits/abc").c_str(), F_OK) != 0);
}

TEST_CASE("an OOM kill is read from the cgroup's events") {
  Directory cgroup;
  CHECK(!killed_for_memory(""));
  CHECK(!killed_for_memory(cgroup.path));
  auto events = [&](const char* text) {
    auto file = open_at({}, cgroup.path + "/memory.events", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    REQUIRE(file.ok());
    REQUIRE(write_all(file.value(), text, strlen(text)).ok());
  };
  events("low 0\nhigh 0\nmax 3\noom 1\noom_kill 0\n");
  CHECK(!killed_for_memory(cgroup.path));
  events("low 0\noom 1\noom_kill 2\noom_group_kill 0\n");
  CHECK(killed_for_memory(cgroup.path));
}
