#include "launcher/systemd_scope.h"

#include <doctest/doctest.h>

using namespace lichen::launcher;

TEST_CASE("a scope is wanted where our own cgroup gives less") {
  CgroupFinding own;
  own.directory = "/sys/fs/cgroup/x";
  own.controllers = {"memory"};
  own.writable = true;
  CHECK(!wants_scope(own, false));
  CHECK(wants_scope(own, true));

  own.controllers.clear();
  CHECK(!wants_scope(own, true));

  own.writable = false;
  CHECK(wants_scope(own, false));

  CHECK(!wants_scope(CgroupFinding{}, true));
}

TEST_CASE("the command goes behind systemd-run's own options") {
  std::vector<std::string> command =
      scope_command("/usr/bin/systemd-run", {"/x/lichen-launcher", "serve", "--", "y"});
  CHECK(command.front() == "/usr/bin/systemd-run");
  CHECK(std::vector<std::string>(command.end() - 5, command.end()) ==
        std::vector<std::string>{"--", "/x/lichen-launcher", "serve", "--", "y"});
}
