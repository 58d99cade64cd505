#include "core/disk_usage.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "core/fd.h"
#include "scratch_directory.h"

using namespace lichen;

TEST_CASE("disk usage counts blocks and inodes, a hard link once, and follows no symbolic link") {
  ScratchDirectory scratch;
  scratch.file("a", std::string(100'000, 'x'));
  REQUIRE(link(scratch.path("a").c_str(), scratch.path("b").c_str()) == 0);
  REQUIRE(symlink("/", scratch.path("root").c_str()) == 0);
  REQUIRE(mkdir(scratch.path("d").c_str(), 0700) == 0);
  scratch.file("d/c", "text");
  REQUIRE(link(scratch.path("a").c_str(), scratch.path("d/again").c_str()) == 0);
  DiskUsage usage = disk_usage(scratch.path());
  CHECK(usage.inodes == 5);  // the top, a, root, d, c
  CHECK(usage.bytes >= 98'304);
  CHECK(usage.bytes < 200'000);
  CHECK(usage.took.count() > 0);
}

TEST_CASE("what does not exist, is no directory or may not be read takes nothing") {
  ScratchDirectory scratch;
  scratch.file("file", "text");
  CHECK(disk_usage(scratch.path("nowhere")).inodes == 0);
  CHECK(disk_usage(scratch.path("file")).inodes == 0);
  REQUIRE(symlink("/", scratch.path("link").c_str()) == 0);
  CHECK(disk_usage(scratch.path("link")).inodes == 0);
}

TEST_CASE("a tree deeper than a path can be is counted as far as a path leads") {
  ScratchDirectory scratch;
  std::string name(200, 'n');
  Fd at(open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int level = 0; level < 40; level++) {
    REQUIRE(mkdirat(at.get(), name.c_str(), 0700) == 0);
    at = Fd(openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at);
  }
  DiskUsage usage = disk_usage(scratch.path());
  CHECK(usage.inodes > 15);
  CHECK(usage.inodes < 40);
}
