#include "core/small_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "scratch_directory.h"

using namespace lichen;

TEST_CASE("small files are read in order, and what is not there is nothing") {
  ScratchDirectory scratch;
  scratch.file("one", "first\n");
  scratch.file("two", std::string(20000, 'x'));
  auto texts =
      read_small_files({scratch.path("two"), scratch.path("three"), scratch.path("one"), scratch.path()});
  REQUIRE(texts.size() == 4);
  CHECK(texts[0] == std::string(20000, 'x'));
  CHECK(!texts[1]);
  CHECK(texts[2] == "first\n");
  CHECK(!texts[3]);  // a directory
}

TEST_CASE("files of /proc, which have no size, are read whole") {
  auto texts = read_small_files({"/proc/self/stat", "/proc/self/smaps"});
  REQUIRE(texts[0]);
  CHECK(texts[0]->starts_with(std::to_string(getpid())));
  REQUIRE(texts[1]);
  CHECK(texts[1]->ends_with("\n"));
}
