#include "monitor/port_connection.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

using namespace lichen;
using namespace lichen::monitor;

namespace {

struct Listener {
  Fd socket;
  uint16_t port = 0;
};

// On a free port of the loopback of one family.
Listener listen_on(int family) {
  Listener listener;
  listener.socket = Fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* address = family == AF_INET ? reinterpret_cast<sockaddr*>(&four) : reinterpret_cast<sockaddr*>(&six);
  socklen_t size = family == AF_INET ? sizeof four : sizeof six;
  if (bind(listener.socket.get(), address, size) != 0 || listen(listener.socket.get(), 1) != 0 ||
      getsockname(listener.socket.get(), address, &size) != 0)
    return {};
  listener.port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
  return listener;
}

Result<Answer> connect_to(uint16_t port) {
  EventLoop loop = std::move(EventLoop::create()).value();
  std::optional<Result<Answer>> answer;
  connect_port(loop, port, [&](Result<Answer> result) {
    answer = std::move(result);
    loop.stop();
  });
  if (!answer) REQUIRE(loop.run().ok());
  return std::move(*answer);
}

}  // namespace

TEST_CASE("a port on either loopback is reached, and the socket carries bytes") {
  for (int family : {AF_INET, AF_INET6}) {
    Listener listener = listen_on(family);
    if (listener.port == 0) continue;  // a machine without IPv6
    auto answer = connect_to(listener.port);
    REQUIRE(answer.ok());
    REQUIRE(answer->fds.size() == 1);
    Fd peer(accept(listener.socket.get(), nullptr, nullptr));
    REQUIRE(peer);
    CHECK(write(answer->fds[0].get(), "x", 1) == 1);
    char byte = 0;
    CHECK(read(peer.get(), &byte, 1) == 1);
    CHECK(byte == 'x');
  }
}

TEST_CASE("where nothing listens the first address's refusal is the answer") {
  uint16_t port = listen_on(AF_INET).port;  // closed again
  auto answer = connect_to(port);
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == "ECONNREFUSED");
  CHECK(answer.error().object == "127.0.0.1:" + std::to_string(port));
}
