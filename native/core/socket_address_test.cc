#include "core/socket_address.h"

#include <doctest/doctest.h>

using namespace lichen;

namespace {

SocketAddress at(const char* ip, uint16_t port = 80) { return SocketAddress::parse(ip, port).value(); }

}  // namespace

TEST_CASE("addresses of both families are read and shown") {
  CHECK(at("192.0.2.1").text() == "192.0.2.1:80");
  CHECK(at("2001:db8::1", 443).text() == "[2001:db8::1]:443");
  CHECK(at("192.0.2.1").ip().size() == 4);
  CHECK(at("::1").ip().size() == 16);
  SocketAddress moved = at("::1", 1);
  moved.set_port(65535);
  CHECK(moved.port() == 65535);
  CHECK(SocketAddress().text() == "?:0");
}

TEST_CASE("names and rubbish are not addresses") {
  for (const char* text : {"localhost", "", "1.2.3", "[::1]", "10.0.0.1/8"}) {
    auto address = SocketAddress::parse(text, 0);
    REQUIRE(!address.ok());
    CHECK(address.error().code == "INVALID_ADDRESS");
  }
}

TEST_CASE("loopback, link-local and networks are told apart") {
  CHECK(at("127.3.2.1").is_loopback());
  CHECK(at("::1").is_loopback());
  CHECK(!at("128.0.0.1").is_loopback());
  CHECK(!at("::2").is_loopback());
  CHECK(at("169.254.1.1").is_link_local());
  CHECK(at("fe80::1").is_link_local());
  CHECK(!at("fec0::1").is_link_local());
  IpAddress pods = parse_ip("10.210.0.0/16").value();
  CHECK(at("10.210.3.4").is_in(pods));
  CHECK(!at("10.211.0.1").is_in(pods));
  CHECK(!at("::1").is_in(pods));
  CHECK(at("fd00:1::9").is_in(parse_ip("fd00:1::/64").value()));
}
