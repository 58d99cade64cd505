#include "core/tree_shift.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "scratch_directory.h"

using namespace lichen;

namespace {

// Without privilege a file can only be given to oneself: the map takes the own ids, as they are on the disk,
// there.
NestedIdMap to_self() { return {{{getuid(), getuid(), 1}}, {{getgid(), getgid(), 1}}}; }

struct Trees {
  Trees() {
    scratch.directory("from", 0750);
    scratch.directory("to");
  }
  Result<ShiftSummary> shift(const NestedIdMap& map = to_self()) {
    return shift_tree(scratch.path("from"), scratch.path("to"), map);
  }
  ScratchDirectory scratch;
};

}  // namespace

TEST_CASE("a tree is copied with everything that its files have") {
  Trees trees;
  const ScratchDirectory& scratch = trees.scratch;
  scratch.directory("from/directory", 01777);
  scratch.file("from/directory/file", std::string(100000, 'x'));
  REQUIRE(chmod(scratch.path("from/directory/file").c_str(), 04755) == 0);
  REQUIRE(link(scratch.path("from/directory/file").c_str(), scratch.path("from/hard").c_str()) == 0);
  REQUIRE(symlink("/nowhere/at all", scratch.path("from/symbolic").c_str()) == 0);
  REQUIRE(mkfifo(scratch.path("from/fifo").c_str(), 0640) == 0);
  scratch.file("from/empty", "");
  bool attributes = setxattr(scratch.path("from/directory").c_str(), "user.overlay.opaque", "y", 1, 0) == 0;
  timespec times[2] = {{7, 8}, {9, 10}};
  REQUIRE(utimensat(AT_FDCWD, scratch.path("from/directory").c_str(), times, 0) == 0);
  REQUIRE(utimensat(AT_FDCWD, scratch.path("from/symbolic").c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);

  auto done = trees.shift();
  REQUIRE_MESSAGE(done.ok(), (done ? "" : done.error().text()));
  CHECK(done->bytes == 100000);
  CHECK(done->inodes == 5);
  CHECK((done->shared == 0 || done->shared == 100000));
  CHECK(scratch.look("to").st_mode == (S_IFDIR | 0750));
  struct stat directory = scratch.look("to/directory");
  CHECK(directory.st_mode == (S_IFDIR | 01777));
  CHECK(directory.st_mtim.tv_sec == 9);
  CHECK(directory.st_mtim.tv_nsec == 10);
  struct stat file = scratch.look("to/directory/file");
  CHECK(file.st_mode == (S_IFREG | 04755));
  CHECK(file.st_nlink == 2);
  CHECK(scratch.look("to/hard").st_ino == file.st_ino);
  CHECK(file.st_ino != scratch.look("from/hard").st_ino);
  CHECK(scratch.read("to/directory/file") == std::string(100000, 'x'));
  CHECK(scratch.look("to/symbolic").st_mtim.tv_sec == 9);
  char target[100] = {};
  CHECK(readlink(scratch.path("to/symbolic").c_str(), target, sizeof target) == 15);
  CHECK(scratch.look("to/fifo").st_mode == (S_IFIFO | 0640));
  char value = 0;
  if (attributes) {
    CHECK(getxattr(scratch.path("to/directory").c_str(), "user.overlay.opaque", &value, 1) == 1);
    CHECK(value == 'y');
  }
}

TEST_CASE("a whiteout stays one") {
  Trees trees;
  REQUIRE(mknod(trees.scratch.path("from/gone").c_str(), S_IFCHR, 0) == 0);
  REQUIRE(trees.shift().ok());
  CHECK(S_ISCHR(trees.scratch.look("to/gone").st_mode));
  CHECK(trees.scratch.look("to/gone").st_rdev == 0);
}

TEST_CASE("a file of an id that the map does not have is refused by name") {
  Trees trees;
  trees.scratch.file("from/file", "x");
  auto done = trees.shift({{{getuid() + 1, 0, 1}}, {{getgid(), getgid(), 1}}});
  REQUIRE(!done.ok());
  CHECK(done.error().code == "ID_OUTSIDE_MAP");
  CHECK(done.error().object == "\"file\"");
  CHECK(done.error().cause.find(std::to_string(getuid()) + ":") != std::string::npos);
}

TEST_CASE("nothing is followed out of the source, and nothing there is written over") {
  Trees trees;
  trees.scratch.directory("outside");
  REQUIRE(symlink(trees.scratch.path("outside").c_str(), trees.scratch.path("from/link").c_str()) == 0);
  trees.scratch.file("outside/secret", "x");
  REQUIRE(trees.shift().ok());
  CHECK(S_ISLNK(trees.scratch.look("to/link").st_mode));
  trees.scratch.file("from/late", "new");
  trees.scratch.file("to/late", "old");
  REQUIRE(unlink(trees.scratch.path("to/link").c_str()) == 0);
  CHECK(!trees.shift().ok());
  CHECK(trees.scratch.read("to/late") == "old");
  CHECK(!shift_tree(trees.scratch.path("from/link"), trees.scratch.path("to"), to_self()).ok());
}
