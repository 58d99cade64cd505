#include "core/beneath.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "../../test/native/scratch_directory.h"

using namespace lichen;

TEST_CASE("no path leaves the directory or crosses a symbolic link") {
  ScratchDirectory scratch;
  scratch.directory("root");
  scratch.directory("root/inner");
  scratch.file("outside", "secret");
  REQUIRE(symlink("../outside", scratch.path("root/link").c_str()) == 0);
  REQUIRE(symlink("inner", scratch.path("root/directory-link").c_str()) == 0);
  auto root = open_at({}, scratch.path("root"), O_RDONLY | O_DIRECTORY);
  REQUIRE(root.ok());
  CHECK(open_beneath(root.value(), "", O_PATH).ok());
  CHECK(open_beneath(root.value(), "inner", O_PATH).ok());
  CHECK(open_beneath(root.value(), "../outside", O_RDONLY).error().number == EXDEV);
  CHECK(open_beneath(root.value(), scratch.path("outside"), O_RDONLY).error().number == EXDEV);
  CHECK(open_beneath(root.value(), "link", O_RDONLY).error().number == ELOOP);
  CHECK(open_beneath(root.value(), "directory-link/x", O_CREAT | O_WRONLY, 0600).error().number == ELOOP);
  CHECK(open_beneath(root.value(), "missing", O_RDONLY).error().number == ENOENT);
}

TEST_CASE("a tree is removed without following symbolic links") {
  ScratchDirectory scratch;
  scratch.directory("kept");
  scratch.file("kept/file", "x");
  scratch.directory("tree");
  scratch.directory("tree/deep", 0700);
  scratch.file("tree/deep/file", "x");
  REQUIRE(symlink("../../kept", scratch.path("tree/deep/link").c_str()) == 0);
  auto root = open_at({}, scratch.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(root.ok());
  CHECK(remove_tree_at(root.value(), "tree").ok());
  CHECK(scratch.look("tree").st_mode == 0);
  CHECK(scratch.read("kept/file") == "x");
  CHECK(remove_tree_at(root.value(), "tree").ok());
}

TEST_CASE("a tree deeper than a process has descriptors is removed") {
  ScratchDirectory scratch;
  auto root = open_at({}, scratch.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(root.ok());
  std::string path = "d";
  while (path.size() < 4000) {
    REQUIRE(mkdirat(root->get(), path.c_str(), 0755) == 0);
    path += "/d";
  }
  scratch.file("d/file", "x");
  REQUIRE(remove_tree_at(root.value(), "d").ok());
  CHECK(scratch.look("d").st_mode == 0);
}

TEST_CASE("a tree deeper than a path can be long is removed, with all that is at its ends") {
  ScratchDirectory scratch;
  auto root = open_at({}, scratch.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(root.ok());
  // Names that removal itself would like to use are no obstacle.
  scratch.directory("tree");
  scratch.file("tree/.removed-0", "x");
  scratch.directory("tree/.removed-1");
  const std::string name(200, 'n');
  auto at = open_at(root.value(), "tree", O_RDONLY | O_DIRECTORY);
  for (int level = 0; level < 60; level++) {
    REQUIRE(at);
    for (const std::string& each : {name, std::string("side")})
      REQUIRE(mkdirat(at->get(), each.c_str(), 0755) == 0);
    REQUIRE(open_at(at.value(), "side/file", O_CREAT | O_WRONLY, 0600));
    at = open_at(at.value(), name, O_RDONLY | O_DIRECTORY);
  }
  auto removed = remove_tree_at(root.value(), "tree");
  CHECK_MESSAGE(removed, (removed ? "" : removed.error().text()));
  CHECK(scratch.look("tree").st_mode == 0);
}

TEST_CASE("paths are split at the last slash") {
  CHECK(split_path("a/b/c").parent == "a/b");
  CHECK(split_path("a/b/c").name == "c");
  CHECK(split_path("c").parent == "");
  CHECK(split_path("c").name == "c");
}
