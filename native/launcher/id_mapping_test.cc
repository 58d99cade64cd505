#include "launcher/id_mapping.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/credentials.h"
#include "core/scm.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

// Runs `body` as uid 0 of a user namespace with this map: 0 when it held, 1 when it did not, 2 without the
// map.
template <class Body>
int with_map(const IdMapping& mapping, const Body& body) {
  auto sockets = make_packet_pair();
  REQUIRE(sockets.ok());
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool mapped = unshare(CLONE_NEWUSER) == 0 && send_packet(sockets->second, "unshared").ok() &&
                  receive_packet(sockets->second).ok() && getuid() == 0;
    _exit(!mapped ? 2 : body() ? 0 : 1);
  }
  REQUIRE(receive_packet(sockets->first).ok());
  CHECK(write_id_mapping(child, mapping).ok());
  CHECK(send_packet(sockets->first, "mapped").ok());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a single id is uid 0, and nobody else can be become") {
  IdMapping mapping = single_id_mapping();
  CHECK(mapping.single);
  CHECK(with_map(mapping, [] { return getgid() == 0 && become({1, 0, {}}).error().number == EINVAL; }) == 0);
}

TEST_CASE("with every range of the user uid 0 becomes another user with groups") {
  Warnings warnings;
  IdMapping mapping = plan_id_mapping(warnings);
  if (mapping.single) {
    MESSAGE("skipped: " << warnings.at(0).message);
    return;
  }
  CHECK(mapped_ids(mapping.uids) > 1001);
  CHECK(with_map(mapping, [] {
          gid_t groups[4];
          return become({1000, 1001, {5, 6}}).ok() && getuid() == 1000 && getegid() == 1001 &&
                 getgroups(4, groups) == 2 && groups[1] == 6;
        }) == 0);
}

TEST_CASE("a map is written once") {
  IdMapping mapping = single_id_mapping();
  CHECK(with_map(mapping, [&] { return !write_id_mapping(getpid(), mapping).ok(); }) == 0);
}
