#include "core/selinux.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "../../test/native/scratch_directory.h"

using namespace lichen;

namespace {

constexpr const char* kUnknown = "lichen_u:lichen_r:never_loaded_t:s0";

// The label, as far as the test may set it: as root of the machine, or with SELinux.
std::string label_of(const std::string& path) {
  char text[256];
  ssize_t size = lgetxattr(path.c_str(), "security.selinux", text, sizeof text);
  return size < 0 ? "" : std::string(text, static_cast<size_t>(size)).c_str();
}

}  // namespace

TEST_CASE("a context that no policy has is refused as such, in this process and in a trial") {
  for (Status done :
       {request_selinux(kUnknown), check_selinux_context(kUnknown), check_selinux_file_context(kUnknown)}) {
    REQUIRE(!done);
    CHECK(done.error().object == "\"lichen_u:lichen_r:never_loaded_t:s0\"");
    CHECK(done.error().code == "NO_SUCH_CONTEXT");
  }
}

TEST_CASE("the own context is one that can be asked for; without SELinux there is none") {
  std::string own = own_selinux_context();
  if (own.empty()) {
    CHECK(access("/sys/fs/selinux/enforce", F_OK) != 0);
    return;
  }
  CHECK(check_selinux_context(own));
}

TEST_CASE("a trial leaves nothing behind: the next program runs as it would have") {
  (void)check_selinux_context(kUnknown);
  if (auto pending = read_file("/proc/self/attr/exec")) CHECK(pending.value().empty());
}

TEST_CASE("a tree is labelled whole, or the first file that cannot be is named") {
  ScratchDirectory scratch;
  scratch.directory("tree");
  scratch.directory("tree/deep");
  scratch.file("tree/deep/file", "x");
  scratch.file("outside", "x");
  REQUIRE(symlink("../outside", scratch.path("tree/link").c_str()) == 0);
  const std::string context = "u:object_r:t:s0";
  auto done = label_tree(scratch.path("tree"), context);
  if (!done) {
    // Without SELinux it takes an administrator to set the attribute.
    CHECK((done.error().number == EPERM || done.error().number == EINVAL));
    CHECK(done.error().text().find(scratch.path("tree")) != std::string::npos);
    CHECK(label_of(scratch.path("tree")) != context);
    return;
  }
  if (label_of(scratch.path("tree")).empty()) return;  // a file system without labels
  for (const char* path : {"tree", "tree/deep", "tree/deep/file", "tree/link"})
    CHECK(label_of(scratch.path(path)) == context);
  CHECK(label_of(scratch.path("outside")) != context);
  auto again = label_tree(scratch.path("tree"), context);
  REQUIRE(again);
  CHECK(!again.value());
}

TEST_CASE("what is not there cannot be labelled") {
  ScratchDirectory scratch;
  CHECK(label_tree(scratch.path("missing"), "u:object_r:t:s0").error().number == ENOENT);
}
