#include "launcher/listen.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

using namespace lichen;
using namespace lichen::launcher;

TEST_CASE("port 0 becomes the kernel's choice, and the socket listens") {
  auto listening = listen_on("127.0.0.1", 0);
  REQUIRE(listening.ok());
  CHECK(listening->port != 0);
  int accepts = 0;
  socklen_t size = sizeof accepts;
  REQUIRE(getsockopt(listening->fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0);
  CHECK(accepts == 1);

  auto again = listen_on("127.0.0.1", listening->port);
  REQUIRE(!again.ok());
  CHECK(again.error().code == "EADDRINUSE");
}

TEST_CASE("names and rubbish are not addresses") {
  for (const char* address : {"localhost", "", "1.2.3", "[::1]"}) {
    auto listening = listen_on(address, 0);
    REQUIRE(!listening.ok());
    CHECK(listening.error().code == "INVALID_ADDRESS");
  }
}
