#include "core/cgroup.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../test/native/scratch_directory.h"

using namespace lichen;
using std::chrono::milliseconds;

// Plain directories stand in for cgroups here; test/runtime/native/cgroup.test.ts has the kernel's own.
namespace {

struct Tree {
  Tree() {
    path = scratch_pattern("lichen-cgroup-XXXXXX");
    REQUIRE(mkdtemp(path.data()) != nullptr);
  }
  ~Tree() { (void)remove_cgroup(path, milliseconds(0)); }
  bool has(const std::string& name) const { return access((path + name).c_str(), F_OK) == 0; }
  std::string path;
};

Status put(const std::string& path, const std::string& text) {
  LICHEN_ASSIGN(Fd fd, open_at({}, path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  return write_all(fd, text.data(), text.size());
}

}  // namespace

TEST_CASE("cgroups come with their parents and go with their children") {
  Tree tree;
  CHECK(create_cgroup(tree.path + "/a/b/c").ok());
  CHECK(create_cgroup(tree.path + "/a/b/c").ok());
  CHECK(create_cgroup(tree.path + "/a/d").ok());
  CHECK(tree.has("/a/b/c"));
  CHECK(remove_cgroup(tree.path + "/a", milliseconds(0)).ok());
  CHECK(!tree.has("/a"));
  CHECK(remove_cgroup(tree.path + "/a", milliseconds(0)).ok());
}

TEST_CASE("a cgroup that cannot be made or removed is named") {
  Tree tree;
  REQUIRE(put(tree.path + "/file", "").ok());
  auto created = create_cgroup(tree.path + "/file/below");
  REQUIRE(!created.ok());
  CHECK(created.error().text() == "mkdir \"" + tree.path + "/file/below\": Not a directory (ENOTDIR)");
  CHECK(create_cgroup("/proc/lichen").error().code == "ENOENT");
  auto removed = remove_cgroup(tree.path, milliseconds(0));
  REQUIRE(!removed.ok());
  CHECK(removed.error().code == "ENOTEMPTY");
  unlink((tree.path + "/file").c_str());
}

TEST_CASE("populated is read from cgroup.events") {
  Tree tree;
  std::string events = tree.path + "/cgroup.events";
  REQUIRE(put(events, "populated 1\nfrozen 0\n").ok());
  CHECK(cgroup_populated(tree.path).value());
  REQUIRE(put(events, "populated 0\nfrozen 1\n").ok());
  CHECK(!cgroup_populated(tree.path).value());
  unlink(events.c_str());
  CHECK(cgroup_populated(tree.path).error().code == "ENOENT");
}

TEST_CASE("killing gives up at its deadline, and has nothing to do where nothing is") {
  Tree tree;
  CHECK(kill_cgroup(tree.path + "/none", milliseconds(0)).ok());
  REQUIRE(put(tree.path + "/cgroup.events", "populated 1\n").ok());
  REQUIRE(put(tree.path + "/cgroup.kill", "").ok());
  auto killed = kill_cgroup(tree.path, milliseconds(0));
  REQUIRE(!killed.ok());
  CHECK(killed.error().code == "ETIMEDOUT");
  CHECK(read_file(tree.path + "/cgroup.kill").value() == "1");
  REQUIRE(put(tree.path + "/cgroup.events", "populated 0\n").ok());
  CHECK(kill_cgroup(tree.path, milliseconds(0)).ok());
  unlink((tree.path + "/cgroup.events").c_str());
  unlink((tree.path + "/cgroup.kill").c_str());
}
