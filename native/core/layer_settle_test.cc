#include "core/layer_settle.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "../../test/native/scratch_directory.h"

using namespace lichen;

namespace {

// Two layers below ("low" beneath "middle") and the one that is settled, "top".
struct Stack {
  Stack() {
    for (const char* name : {"low", "middle", "top"}) scratch.directory(name);
    settlement.directory = scratch.path("top");
    settlement.lower = {scratch.path("middle"), scratch.path("low")};
    settlement.single_owner = true;
  }
  bool is_whiteout(const std::string& path) const {
    struct stat found = scratch.look(path);
    return S_ISCHR(found.st_mode) && found.st_rdev == 0;
  }
  bool is_opaque(const std::string& path) const {
    char value = 0;
    return getxattr(scratch.path(path).c_str(), "user.overlay.opaque", &value, 1) == 1 && value == 'y';
  }
  bool has_user_attributes() const {
    bool has = setxattr(scratch.path("top").c_str(), "user.probe", "y", 1, 0) == 0;
    if (!has) MESSAGE("skip: the file system of /tmp has no user attributes");
    return has;
  }
  Status settle() const { return settle_layer(settlement); }

  ScratchDirectory scratch;
  LayerSettlement settlement;
};

}  // namespace

TEST_CASE("a whiteout is made for what is there to hide, and only for that") {
  Stack stack;
  stack.scratch.file("low/in-low", "x");
  stack.scratch.directory("middle/directory");
  stack.scratch.file("middle/directory/inside", "x");
  stack.scratch.directory("top/directory");
  stack.settlement.whiteouts = {"in-low", "directory/inside", "directory/nothing", "nowhere"};
  struct timespec times[2] = {{5, 0}, {5, 0}};
  REQUIRE(utimensat(AT_FDCWD, stack.scratch.path("top/directory").c_str(), times, 0) == 0);
  REQUIRE(stack.settle().ok());
  CHECK(stack.is_whiteout("top/in-low"));
  CHECK(stack.is_whiteout("top/directory/inside"));
  CHECK(stack.scratch.look("top/directory/nothing").st_mode == 0);
  CHECK(stack.scratch.look("top/nowhere").st_mode == 0);
  CHECK(stack.scratch.look("top/directory").st_mtim.tv_sec == 5);
}

TEST_CASE("what a layer below hides already is not hidden again") {
  Stack stack;
  stack.scratch.file("low/file", "x");
  REQUIRE(mknod(stack.scratch.path("middle/file").c_str(), S_IFCHR, 0) == 0);
  stack.settlement.whiteouts = {"file"};
  REQUIRE(stack.settle().ok());
  CHECK(stack.scratch.look("top/file").st_mode == 0);
}

TEST_CASE("a whiteout does not hide what its own layer has") {
  Stack stack;
  if (!stack.has_user_attributes()) return;
  stack.scratch.file("low/file", "old");
  stack.scratch.file("top/file", "new");
  stack.scratch.directory("low/directory");
  stack.scratch.file("low/directory/inner", "x");
  stack.scratch.directory("top/directory");
  stack.settlement.whiteouts = {"file", "directory", "directory/inner"};
  REQUIRE(stack.settle().ok());
  CHECK(stack.scratch.read("top/file") == "new");
  CHECK(stack.is_opaque("top/directory"));
  // Inside an opaque directory a whiteout would be seen as a device.
  CHECK(stack.scratch.look("top/directory/inner").st_mode == 0);
}

TEST_CASE("an opaque directory hides everything below and needs no whiteouts") {
  Stack stack;
  if (!stack.has_user_attributes()) return;
  stack.scratch.directory("low/directory");
  stack.scratch.file("low/directory/inner", "x");
  stack.scratch.directory("top/directory");
  stack.settlement.whiteouts = {"directory/inner"};
  stack.settlement.opaque = {"directory"};
  REQUIRE(stack.settle().ok());
  CHECK(stack.is_opaque("top/directory"));
  CHECK(stack.scratch.look("top/directory/inner").st_mode == 0);
}

TEST_CASE("opaque layers below end the search") {
  Stack stack;
  if (!stack.has_user_attributes()) return;
  stack.scratch.directory("low/directory");
  stack.scratch.file("low/directory/inner", "x");
  stack.scratch.directory("middle/directory");
  REQUIRE(setxattr(stack.scratch.path("middle/directory").c_str(), "user.overlay.opaque", "y", 1, 0) == 0);
  stack.scratch.directory("top/directory");
  stack.settlement.whiteouts = {"directory/inner"};
  REQUIRE(stack.settle().ok());
  CHECK(stack.scratch.look("top/directory/inner").st_mode == 0);
}

TEST_CASE("an opaque root hides each name there is") {
  Stack stack;
  if (!stack.has_user_attributes()) return;
  stack.scratch.file("low/a", "x");
  stack.scratch.file("middle/b", "x");
  stack.scratch.directory("middle/both");
  stack.scratch.directory("top/both");
  stack.settlement.opaque = {""};
  REQUIRE(stack.settle().ok());
  CHECK(stack.is_whiteout("top/a"));
  CHECK(stack.is_whiteout("top/b"));
  CHECK(stack.is_opaque("top/both"));
}

TEST_CASE("implied directories look as they do below") {
  Stack stack;
  stack.scratch.directory("low/private", 0700);
  stack.scratch.directory("middle/private", 01730);
  struct timespec times[2] = {{7, 8}, {7, 8}};
  REQUIRE(utimensat(AT_FDCWD, stack.scratch.path("middle/private").c_str(), times, 0) == 0);
  stack.scratch.directory("top/private");
  stack.scratch.directory("top/new");
  stack.settlement.implied = {"", "new", "private"};
  REQUIRE(stack.settle().ok());
  CHECK((stack.scratch.look("top/private").st_mode & 07777) == 01730);
  CHECK(stack.scratch.look("top/private").st_mtim.tv_sec == 7);
  CHECK(stack.scratch.look("top/private").st_mtim.tv_nsec == 8);
  CHECK((stack.scratch.look("top/new").st_mode & 07777) == 0755);
}

TEST_CASE("an implied directory never hides a symbolic link below") {
  Stack stack;
  REQUIRE(symlink("usr/lib", stack.scratch.path("low/lib").c_str()) == 0);
  stack.scratch.directory("top/lib");
  stack.settlement.implied = {"lib"};
  auto settled = stack.settle();
  REQUIRE(!settled.ok());
  CHECK(settled.error().code == "SYMLINK_BELOW");
}

TEST_CASE("a whiteout in a directory that a later entry replaced is nothing") {
  Stack stack;
  stack.scratch.directory("low/place");
  stack.scratch.file("low/place/inner", "x");
  stack.scratch.file("top/place", "now a file");
  stack.settlement.whiteouts = {"place/inner"};
  CHECK(stack.settle().ok());
  CHECK(stack.scratch.read("top/place") == "now a file");
}
