#include "core/xattrs.h"

#include <doctest/doctest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "scratch_directory.h"

using namespace lichen;

TEST_CASE("extended attributes are read with their bytes, sorted, and not through links") {
  ScratchDirectory scratch;
  std::string file = scratch.path("file");
  scratch.file("file", "content");
  std::string binary("\0\xff\n=", 4);
  REQUIRE(setxattr(file.c_str(), "user.z", binary.data(), binary.size(), 0) == 0);
  REQUIRE(setxattr(file.c_str(), "user.a", "", 0, 0) == 0);
  auto found = read_xattrs(file);
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->at(0).name == "user.a");
  CHECK(found->at(0).value.empty());
  CHECK(found->at(1).name == "user.z");
  CHECK(found->at(1).value == binary);

  std::string link = scratch.path("link");
  REQUIRE(symlink("file", link.c_str()) == 0);
  auto of_link = read_xattrs(link);
  REQUIRE(of_link);
  CHECK(of_link->empty());
}

TEST_CASE("a file that is not there is an error that names it") {
  auto found = read_xattrs("/nowhere/file");
  REQUIRE_FALSE(found);
  CHECK(found.error().text().find("/nowhere/file") != std::string::npos);
}
