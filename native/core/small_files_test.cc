#include "core/small_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "scratch_directory.h"

using namespace lichen;

TEST_CASE("small files are read whole, and what is not there is nothing") {
  ScratchDirectory scratch;
  scratch.file("one", "first\n");
  scratch.file("two", std::string(200000, 'x'));
  SmallFiles files;
  CHECK(files.read(scratch.path("two")) == std::string(200000, 'x'));
  CHECK(!files.read(scratch.path("three")));
  CHECK(files.read(scratch.path("one")) == "first\n");
  CHECK(!files.read(scratch.path()));  // a directory
  CHECK(files.read(scratch.open(), "one") == "first\n");
  CHECK(!files.read(scratch.open(), "none"));
}

TEST_CASE("a file that is too long is cut") {
  ScratchDirectory scratch;
  scratch.file("long", std::string((1 << 20) + 5, 'x'));
  auto text = SmallFiles().read(scratch.path("long"));
  REQUIRE(text);
  CHECK(text->size() == 1 << 20);
}

TEST_CASE("files of /proc, which have no size, are read whole") {
  SmallFiles files;
  auto stat = files.read("/proc/self/stat");
  REQUIRE(stat);
  CHECK(stat->starts_with(std::to_string(getpid())));
  auto maps = files.read("/proc/self/smaps");
  REQUIRE(maps);
  CHECK(maps->size() > 4096);
  CHECK(maps->ends_with("\n"));
}
