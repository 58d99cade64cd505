#include "core/listen.h"

#include <doctest/doctest.h>

using namespace lichen;

namespace {

SocketAddress loopback(uint16_t port) { return SocketAddress::parse("127.0.0.1", port).value(); }

}  // namespace

TEST_CASE("port 0 becomes the kernel's choice, and the socket listens") {
  auto listening = listen_on(loopback(0));
  REQUIRE(listening.ok());
  CHECK(listening->port != 0);
  int accepts = 0;
  socklen_t size = sizeof accepts;
  REQUIRE(getsockopt(listening->fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0);
  CHECK(accepts == 1);

  auto again = listen_on(loopback(listening->port));
  REQUIRE(!again.ok());
  CHECK(again.error().code == "EADDRINUSE");
  CHECK(again.error().object == "127.0.0.1:" + std::to_string(listening->port));
}

TEST_CASE("a datagram socket has its port alone") {
  auto first = listen_on(loopback(0), SOCK_DGRAM);
  REQUIRE(first.ok());
  auto again = listen_on(loopback(first->port), SOCK_DGRAM);
  REQUIRE(!again.ok());
  CHECK(again.error().code == "EADDRINUSE");
  CHECK(again.error().object.ends_with("/udp"));
  CHECK(listen_on(loopback(first->port)).ok());
}
