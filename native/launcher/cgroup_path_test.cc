#include "launcher/cgroup_path.h"

#include <doctest/doctest.h>

using namespace lichen::launcher;

namespace {

constexpr char kHybrid[] =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:3 master:4 - cgroup2 cgroup2 rw\n";

}  // namespace

TEST_CASE("cgroup2 is found wherever it is mounted, the last mount counts") {
  auto hybrid = find_cgroup_mount(kHybrid);
  REQUIRE(hybrid);
  CHECK(hybrid->point == "/sys/fs/cgroup/unified");
  CHECK(hybrid->root == "/");

  auto covered = find_cgroup_mount(std::string(kHybrid) +
                                   "50 1 0:38 /user\\040x /mnt/a\\134b rw - cgroup2 none rw,nsdelegate\n");
  REQUIRE(covered);
  CHECK(covered->point == "/mnt/a\\b");
  CHECK(covered->root == "/user x");

  CHECK(!find_cgroup_mount("22 27 0:21 / /proc rw - proc proc rw\nshort line\n"));
  CHECK(!find_cgroup_mount(""));
}

TEST_CASE("the cgroup2 line of /proc/PID/cgroup, beside those of cgroup v1") {
  CHECK(find_cgroup_path("8:pids:/\n4:memory:/x\n0::/user.slice/a b\n") == "/user.slice/a b");
  CHECK(!find_cgroup_path("8:pids:/\n"));
  CHECK(!find_cgroup_path(""));
}

TEST_CASE("cgroups and directories translate both ways, within what is mounted") {
  CgroupMount whole{"/sys/fs/cgroup", "/"};
  CHECK(cgroup_directory(whole, "/") == "/sys/fs/cgroup");
  CHECK(cgroup_directory(whole, "/a/b") == "/sys/fs/cgroup/a/b");
  CHECK(!cgroup_directory(whole, "/../a"));
  CHECK(cgroup_path_of(whole, "/sys/fs/cgroup/a") == "/a");
  CHECK(cgroup_path_of(whole, "/sys/fs/cgroup") == "/");
  CHECK(!cgroup_path_of(whole, "/sys/fs/cgroupx"));
  CHECK(!cgroup_path_of(whole, "/tmp"));

  CgroupMount part{"/mnt", "/kube/pod"};
  CHECK(cgroup_directory(part, "/kube/pod/c") == "/mnt/c");
  CHECK(!cgroup_directory(part, "/kube/podx"));
  CHECK(!cgroup_directory(part, "/kube"));
  CHECK(cgroup_path_of(part, "/mnt/c") == "/kube/pod/c");
}

TEST_CASE("a runtime directory has one subtree name, another one another") {
  CHECK(subtree_name("64769:1") == subtree_name("64769:1"));
  CHECK(subtree_name("64769:1") != subtree_name("64769:2"));
  CHECK(subtree_name("").size() == std::string("lichen-00000000").size());
}

TEST_CASE("units are told from slices and from what is below a unit") {
  CHECK(is_unit("/user.slice/user-7.slice/user@7.service"));
  CHECK(is_unit("/user.slice/user-7.slice/session-2.scope"));
  CHECK(!is_unit("/user.slice/user-7.slice"));
  CHECK(!is_unit("/app.slice/lichen.service/launcher"));
  CHECK(!is_unit(""));
}
