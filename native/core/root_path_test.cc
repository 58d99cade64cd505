#include "core/root_path.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "../../test/native/scratch_directory.h"
#include "core/beneath.h"

using namespace lichen;

namespace {

// A root file system of one temporary directory, removed at the end; beside it lies what must not be reached.
struct Root {
  ScratchDirectory scratch;
  std::string base = scratch.path();
  Fd fd;
  Root() {
    REQUIRE(mkdir((base + "/root").c_str(), 0755) == 0);
    fd = std::move(open_at({}, base + "/root", O_PATH | O_DIRECTORY)).value();
  }
  void link(const char* target, const char* name) { REQUIRE(symlinkat(target, fd.get(), name) == 0); }
  bool is(const std::string& path, unsigned type) const {
    struct stat found {};
    return lstat((base + "/" + path).c_str(), &found) == 0 && (found.st_mode & S_IFMT) == type;
  }
};

}  // namespace

TEST_CASE("directories and files are made with their parents") {
  Root root;
  CHECK(ensure_directory(root.fd, "/a/b/c").ok());
  CHECK(root.is("root/a/b/c", S_IFDIR));
  CHECK(ensure_file(root.fd, "/x/y/file").ok());
  CHECK(root.is("root/x/y/file", S_IFREG));
  CHECK(ensure_file(root.fd, "x/y/file").ok());
}

TEST_CASE("links and dots end at the root") {
  Root root;
  root.link("/", "abs");
  root.link("../..", "up");
  CHECK(ensure_directory(root.fd, "/abs/etc").ok());
  CHECK(root.is("root/etc", S_IFDIR));
  CHECK(ensure_directory(root.fd, "/up/../../var").ok());
  CHECK(root.is("root/var", S_IFDIR));
  CHECK(!root.is("var", S_IFDIR));
  CHECK(!root.is("etc", S_IFDIR));
}

TEST_CASE("a link to nowhere gets its target made inside the root") {
  Root root;
  root.link("/run", "var_run");
  CHECK(ensure_directory(root.fd, "/var_run/secrets").ok());
  CHECK(root.is("root/run/secrets", S_IFDIR));
  root.link("../../../../outside", "file");
  CHECK(ensure_file(root.fd, "/file").ok());
  CHECK(root.is("root/outside", S_IFREG));
  CHECK(!root.is("outside", S_IFREG));
}

TEST_CASE("links in a circle are refused") {
  Root root;
  root.link("two", "one");
  root.link("one", "two");
  auto made = ensure_directory(root.fd, "/one/x");
  REQUIRE(!made.ok());
  CHECK(made.error().number == ELOOP);
}

TEST_CASE("what is there of another type is refused") {
  Root root;
  REQUIRE(ensure_file(root.fd, "/file").ok());
  REQUIRE(ensure_directory(root.fd, "/dir").ok());
  CHECK(ensure_directory(root.fd, "/file/x").error().number == ENOTDIR);
  CHECK(ensure_file(root.fd, "/dir").error().number == EISDIR);
}
