#include "launcher/cgroup_tree.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "launcher/cgroup_path.h"
#include "scratch_directory.h"

using namespace lichen;
using namespace lichen::launcher;

TEST_CASE("switched off, nothing is delegated and nobody is warned") {
  Warnings warnings;
  auto tree = enter_cgroup_tree("none", "1:2", warnings);
  REQUIRE(tree.ok());
  CHECK_FALSE(tree->delegated);
  CHECK(tree->reason == "switched off by --cgroup none");
  CHECK(warnings.empty());
}

TEST_CASE("a directory that was named and is no cgroup is an error, and nothing is made in it") {
  ScratchDirectory scratch;
  Warnings warnings;
  auto tree = enter_cgroup_tree(scratch.path(), "1:2", warnings);
  REQUIRE_FALSE(tree.ok());
  CHECK(tree.error().code == "NOT_A_CGROUP");
  CHECK(tree.error().text().find(scratch.path()) != std::string::npos);
  CHECK(scratch.look("node").st_mode == 0);
}

TEST_CASE("what is found of our own cgroup is what the kernel says, or the reason why it cannot be used") {
  CgroupFinding own = inspect_own_cgroup();
  CHECK((own.writable || !own.reason.empty()));
  CHECK_FALSE((own.writable && !own.reason.empty()));
  if (own.directory.empty()) {
    CHECK_FALSE(own.writable);
    MESSAGE("skip: " << own.reason);
    return;
  }
  CHECK(own.directory.starts_with(own.mount_point));
  CHECK(access((own.directory + "/cgroup.procs").c_str(), F_OK) == 0);
  CHECK(own.writable == (access(own.directory.c_str(), W_OK) == 0 &&
                         access((own.directory + "/cgroup.procs").c_str(), W_OK) == 0));
}

TEST_CASE("the command that mends it is for this user and this machine") {
  if (access("/run/systemd/system", F_OK) == 0) {
    CHECK(delegation_hint({}).find("systemd-run --user") != std::string::npos);
    return;
  }
  CHECK(delegation_hint({}) == "sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup");
  CgroupFinding own;
  own.mount_point = "/sys/fs/cgroup/unified";
  std::string uid = std::to_string(getuid());
  std::string hint = delegation_hint(own);
  CHECK(hint.find("/sys/fs/cgroup/unified/lichen-" + uid) != std::string::npos);
  CHECK(hint.find("chown " + uid) != std::string::npos);
  CHECK(hint.find("echo $$ > cgroup.procs") != std::string::npos);
  own.root_controllers = {"cpu", "memory"};
  CHECK(controllers_hint(own) == hint);
}

TEST_CASE(
    "controllers that cgroup v1 holds cannot be delegated by anybody: the kernel's command line must "
    "change") {
  CgroupFinding own;
  own.mount_point = "/sys/fs/cgroup/unified";
  own.root_controllers = {"hugetlb"};
  CHECK(controllers_hint(own).find("systemd.unified_cgroup_hierarchy=1") != std::string::npos);
}

TEST_CASE("a node's cgroup that is gone leaves its pods without one, and says so") {
  CHECK_FALSE(has_cgroup_tree("/lichen-that-never-was"));
  Warnings warnings;
  CgroupTree tree = rejoin_cgroup_tree("/lichen-that-never-was", "1:2", warnings);
  CHECK_FALSE(tree.delegated);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].code == "CGROUP_NOT_DELEGATED");
  CHECK(warnings[0].message.find("/lichen-that-never-was") != std::string::npos);
}

TEST_CASE("without delegation there are no seats, no controllers, and nothing to leave") {
  CgroupTree none;
  auto seats = open_seats(none);
  REQUIRE(seats.ok());
  CHECK_FALSE(static_cast<bool>(seats->root_procs));
  CHECK_FALSE(static_cast<bool>(seats->node_procs));
  Warnings warnings;
  enable_controllers(none, warnings);
  leave_cgroup_tree(none);
  CHECK(none.controllers.empty());
  CHECK(warnings.empty());
}
