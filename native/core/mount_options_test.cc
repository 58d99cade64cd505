#include "core/mount_options.h"

#include <doctest/doctest.h>
#include <linux/mount.h>

using namespace lichen;

namespace {

MountOptions parsed(const std::vector<std::string>& options) {
  auto result = parse_mount_options(options);
  REQUIRE(result.ok());
  return std::move(result).value();
}

}  // namespace

TEST_CASE("a bind with propagation and read-only") {
  MountOptions options = parsed({"rbind", "rslave", "ro", "nosuid"});
  CHECK(options.bind);
  CHECK(options.recursive_bind);
  CHECK(options.set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
  CHECK(options.set_recursive == 0);
  CHECK(options.propagation == 1 << 19);
  CHECK(options.recursive_propagation);
  CHECK(options.data.empty());
}

TEST_CASE("recursive read-only is kept apart from the plain one") {
  MountOptions options = parsed({"rbind", "rro", "private"});
  CHECK(options.set == 0);
  CHECK(options.set_recursive == MOUNT_ATTR_RDONLY);
  CHECK(!options.recursive_propagation);
}

TEST_CASE("the later of two contrary options wins") {
  CHECK(parsed({"ro", "rw"}).set == 0);
  CHECK(parsed({"ro", "rw"}).clear == 0);
  CHECK(parsed({"rw", "ro"}).set == MOUNT_ATTR_RDONLY);
  CHECK(parsed({"rw", "ro"}).clear == 0);
}

TEST_CASE("access time modes replace each other") {
  MountOptions options = parsed({"noatime", "strictatime"});
  CHECK(options.set == MOUNT_ATTR_STRICTATIME);
  CHECK(options.clear == MOUNT_ATTR__ATIME);
}

TEST_CASE("the rest belongs to the file system") {
  MountOptions options = parsed({"newinstance", "mode=0620", "gid=5", "size=65536k"});
  REQUIRE(options.data.size() == 4);
  CHECK(options.data[0] == std::pair<std::string, std::string>("newinstance", ""));
  CHECK(options.data[1] == std::pair<std::string, std::string>("mode", "0620"));
}

TEST_CASE("what could only be ignored is refused") {
  for (const char* option : {"tmpcopyup", "idmap", "remount", "sync"}) {
    auto result = parse_mount_options({"bind", option});
    REQUIRE(!result.ok());
    CHECK(result.error().code == "UNSUPPORTED_OPTION");
  }
}
