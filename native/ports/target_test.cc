#include "ports/target.h"

#include <doctest/doctest.h>

#include "core/listen.h"

using namespace lichen;
using namespace lichen::ports;

namespace {

SocketAddress at(const char* ip, uint16_t port = 5000) { return SocketAddress::parse(ip, port).value(); }

Target dual() {
  return {{at("10.210.0.5", 80), at("fd00::5", 80)},
          true,
          {parse_ip("10.210.0.0/16").value(), parse_ip("fd00::/64").value()}};
}

}  // namespace

TEST_CASE("a client is led to the pod's address of its own family, or to what there is") {
  CHECK(choose_pod(dual(), at("192.0.2.1")).text() == "10.210.0.5:80");
  CHECK(choose_pod(dual(), at("2001:db8::1")).text() == "[fd00::5]:80");
  Target one{{at("10.210.0.5", 80)}, true, {}};
  CHECK(choose_pod(one, at("2001:db8::1")).text() == "10.210.0.5:80");
}

TEST_CASE("a client keeps its address unless answers could not come back") {
  CHECK(source_for(dual(), at("192.0.2.1"))->text() == "192.0.2.1:5000");
  CHECK(source_for(dual(), at("2001:db8::1"))->text() == "[2001:db8::1]:5000");
  for (const char* client : {"127.0.0.1", "::1", "fe80::1", "169.254.0.9", "10.210.9.9", "fd00::9"})
    CHECK(!source_for(dual(), at(client)));
  Target one{{at("10.210.0.5", 80)}, true, {}};
  CHECK(!source_for(one, at("2001:db8::1")));
  one.keep_client = false;
  CHECK(!source_for(one, at("192.0.2.1")));
}

TEST_CASE("a connection is made with the kernel's choice of source where the client's cannot be kept") {
  auto listening = listen_on(at("127.0.0.1", 0));
  REQUIRE(listening.ok());
  Target target{{at("127.0.0.1", listening->port)}, true, {}};
  auto socket = connect_to_pod(target, at("127.0.0.9"), SOCK_STREAM);
  REQUIRE(socket.ok());
  SocketAddress own;
  REQUIRE(getsockname(socket->get(), own.storage(), own.room()) == 0);
  CHECK(own.is_loopback());
  CHECK(own.port() != 5000);
}
