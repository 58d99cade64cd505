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

TEST_CASE("a service's own cgroup is left for a scope, unless we sit in a leaf of it") {
  CgroupFinding own;
  own.directory = "/sys/fs/cgroup/user.slice/user-7.slice/user@7.service/app.slice/lichen.service";
  own.path = own.directory.substr(14);
  own.seat = own.directory;
  own.writable = true;
  CHECK(wants_scope(own, false));
  own.seat += "/launcher";
  CHECK(!wants_scope(own, false));

  // A scope does not start again.
  CgroupFinding scope;
  scope.directory = scope.seat = "/sys/fs/cgroup/x/run-1.scope";
  scope.path = "/x/run-1.scope";
  scope.writable = true;
  CHECK(!wants_scope(scope, false));
}

TEST_CASE("the command goes behind systemd-run's own options") {
  std::vector<std::string> command =
      scope_command("/usr/bin/systemd-run", {"/x/lichen-launcher", "serve", "--", "y"});
  CHECK(command.front() == "/usr/bin/systemd-run");
  CHECK(std::vector<std::string>(command.end() - 5, command.end()) ==
        std::vector<std::string>{"--", "/x/lichen-launcher", "serve", "--", "y"});
}
