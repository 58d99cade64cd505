#include "launcher/node_info.h"

#include <doctest/doctest.h>

using namespace lichen::launcher;

namespace {

NodeInfo example() {
  NodeInfo info;
  info.uid = 1500;
  info.gid = 1501;
  info.ids = {false, {{0, 1500, 1}, {1, 100000, 65536}}, {{0, 1501, 1}}};
  info.uplink.kind = "pasta";
  info.uplink.subnet = choose_subnet({});
  info.uplink.reason = "a \"reason\"";
  info.uplink.down = "it has ended";
  info.cgroup_delegated = true;
  info.cgroup_path = "/user.slice/x";
  info.controllers = {"memory", "pids"};
  info.manager.socket = "/run/user/1500/systemd/private";
  info.manager.path = "/user.slice/m";
  info.manager.controllers = {"pids"};
  info.namespaces = {4026532253, 4026532254, 4026532256, 4026532255};
  info.warnings = {{"CODE", "message", "sudo mend"}};
  return info;
}

}  // namespace

TEST_CASE("node.json has the form that the daemon reads") {
  CHECK(
      format_node_info(example()) ==
      R"({"version":1,"uid":1500,"gid":1501,)"
      R"("idMap":{"single":false,"uids":[[0,1500,1],[1,100000,65536]],"gids":[[0,1501,1]]},)"
      R"("uplink":{"kind":"pasta","interface":"tap0","address":"10.0.2.100","prefix":24,"gateway":"10.0.2.2","address6":"","gateway6":"","hostLoopback":false,)"
      R"("dns":["10.0.2.3"],"mtu":65520,"cidr":"10.0.2.0/24","reason":"a \"reason\"","down":"it has ended"},)"
      R"("cgroup":{"delegated":true,"hostPath":"/user.slice/x","controllers":["memory","pids"],"reason":"",)"
      R"("manager":{"socket":"/run/user/1500/systemd/private","hostPath":"/user.slice/m","controllers":["pids"],"reason":""}},)"
      R"("namespaces":{"user":4026532253,"mount":4026532254,"network":4026532256,"cgroup":4026532255},)"
      R"("warnings":[{"code":"CODE","message":"message","hint":"sudo mend"}]})"
      "\n");
}

TEST_CASE("the next launcher reads what it needs to rejoin") {
  auto read = parse_node_info(format_node_info(example()));
  REQUIRE(read.ok());
  CHECK(read->namespaces == example().namespaces);
  CHECK(read->cgroup_path == "/user.slice/x");
  CHECK(read->cgroup_delegated);
  CHECK(read->controllers == example().controllers);
  CHECK(read->manager.path == "/user.slice/m");
  CHECK(read->manager.socket == example().manager.socket);
  CHECK(read->manager.controllers == example().manager.controllers);
  CHECK(read->uplink.kind == "pasta");
  CHECK(read->uplink.subnet.address == "10.0.2.100");
  CHECK(read->uplink.subnet.dns == "10.0.2.3");
  CHECK(read->uplink.down.empty());  // of that moment only
  CHECK(read->warnings == example().warnings);
}

TEST_CASE("a node without an uplink says so with empty fields") {
  NodeInfo info = example();
  info.uplink.kind = "none";
  std::string text = format_node_info(info);
  CHECK(
      text.find(
          R"("kind":"none","interface":"","address":"","prefix":0,"gateway":"","address6":"","gateway6":"","hostLoopback":false,"dns":[])") !=
      std::string::npos);
}

TEST_CASE("what no launcher wrote is refused") {
  CHECK(!parse_node_info("").ok());
  CHECK(!parse_node_info("[]").ok());
  CHECK(!parse_node_info(R"({"version":1,"uid":"me"})").ok());
}
