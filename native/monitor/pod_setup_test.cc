#include "monitor/pod_setup.h"

#include <doctest/doctest.h>

using namespace lichen;
using namespace lichen::monitor;

namespace {

Result<PodSetup> read(const std::string& text) {
  auto document = JsonDocument::parse(text, "request");
  REQUIRE(document.ok());
  auto setup = read_pod_setup(document->root());
  LICHEN_TRY(document->status());
  return setup;
}

}  // namespace

TEST_CASE("a pod with a network of its own") {
  auto setup = read(R"({"hostname":"web-0","network":"pod","ipc":"pod","pid":"pod","shmSize":1048576,
    "sysctls":{"net.ipv4.ip_unprivileged_port_start":"0","kernel.shmmax":"1"},
    "interface":{"bridge":"br","host":"v1","name":"eth0","addresses":["10.1.0.5/16"],"gateways":["10.1.0.1"],"mtu":65520,
    "isolated":true,"ingressBits":1000000,"egressBits":2000000}})");
  REQUIRE(setup.ok());
  CHECK(setup->own_network);
  CHECK(setup->shared_pid);
  CHECK(setup->sysctls.size() == 2);
  CHECK(setup->interface->addresses[0].text() == "10.1.0.5/16");
  CHECK(setup->interface->mtu == 65520);
  CHECK(setup->interface->isolated);
  CHECK(setup->interface->ingress_bits == 1000000);
  CHECK(setup->interface->egress_bits == 2000000);
}

TEST_CASE("a pod in the node's namespaces") {
  auto setup = read(R"({"network":"node","ipc":"node","pid":"container","interface":null})");
  REQUIRE(setup.ok());
  CHECK(!setup->own_network);
  CHECK(!setup->interface);
  CHECK(setup->shm_size == 64 << 20);
}

TEST_CASE("a pod with a user namespace of its own") {
  const std::string pod = R"({"network":"pod","ipc":"pod","pid":"pod","user":)";
  auto setup = read(pod + R"({"uids":[{"inside":0,"outside":65536,"count":65536}],
    "gids":[{"inside":0,"outside":131072,"count":65536}]}})");
  REQUIRE(setup.ok());
  CHECK(setup->user->uids == std::vector<IdExtent>{{0, 65536, 65536}});
  CHECK(setup->user->gids == std::vector<IdExtent>{{0, 131072, 65536}});
  CHECK(!read(R"({"network":"pod","ipc":"pod","pid":"pod"})")->user);
  CHECK(read(pod + R"({"uids":[],"gids":[]}})").error().cause == "must map id 0 of the pod");
  CHECK(!read(pod + R"({"uids":[{"inside":0,"outside":1,"count":0}],
    "gids":[{"inside":0,"outside":1,"count":1}]}})")
             .ok());
}

TEST_CASE("mistakes are refused") {
  CHECK(read(R"({"network":"host","ipc":"pod","pid":"pod"})").error().cause == "must be one of: pod, node");
  CHECK(read(R"({"ipc":"pod","pid":"pod"})").error().object == "network");
  CHECK(read(R"({"network":"node","ipc":"pod","pid":"pod","sysctls":{"net.core.somaxconn":"1"}})")
            .error()
            .code == "UNSAFE_SYSCTL");
  CHECK(read(R"({"network":"pod","ipc":"node","pid":"pod","sysctls":{"kernel.sem":"1"}})").error().code ==
        "UNSAFE_SYSCTL");
  CHECK(
      !read(R"({"network":"node","ipc":"pod","pid":"pod","interface":{"bridge":"b","host":"h","name":"n"}})")
           .ok());
  CHECK(!read(R"({"network":"pod","ipc":"pod","pid":"pod","interface":{"bridge":"b","host":"h","name":"n",
    "addresses":["10.1.0.300/8"]}})")
             .ok());
  CHECK(
      !read(R"({"network":"pod","ipc":"pod","pid":"pod","hostname":")" + std::string(65, 'x') + "\"}").ok());
}

TEST_CASE("the scope of a pod in a slice is an absolute path that leads nowhere else") {
  auto with = [](const std::string& scope) {
    return read(R"({"network":"node","ipc":"node","pid":"container","scope":")" + scope + "\"}");
  };
  auto setup = with("/run/user/7/lichen/slices/a.slice/lichen-x.scope");
  REQUIRE(setup.ok());
  CHECK(setup->scope == "/run/user/7/lichen/slices/a.slice/lichen-x.scope");
  for (const char* wrong : {"relative", "/a/../b", "/a/.."}) {
    auto refused = with(wrong);
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == "INVALID_FIELD");
  }
}
