#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/listen.h"
#include "ports/relay.h"

using namespace lichen;
using namespace lichen::ports;

namespace {

constexpr SessionTimes kShort{std::chrono::milliseconds(300), std::chrono::milliseconds(50)};

SocketAddress loopback(uint16_t port) { return SocketAddress::parse("127.0.0.1", port).value(); }

struct Fixture {
  EventLoop loop = EventLoop::create().value();
  Quota quota;
  ListeningSocket pod = listen_on(loopback(0), SOCK_DGRAM).value();
  uint16_t port = 0;
  std::unique_ptr<Relay> relay;

  explicit Fixture(SessionTimes times) {
    auto socket = listen_on(loopback(0), SOCK_DGRAM).value();
    port = socket.port;
    relay = udp_relay(loop, quota, std::move(socket.fd), {.pods = {loopback(pod.port)}}, times);
    REQUIRE(relay->open().ok());
  }

  void run_for(int ms) {
    loop.after(std::chrono::milliseconds(ms), [this] { loop.stop(); });
    REQUIRE(loop.run().ok());
  }

  // Sends a datagram by the port, and waits until the pod's end has it. Gives the port that it came from.
  uint16_t deliver(const Fd& client) {
    REQUIRE(write(client.get(), "x", 1) == 1);
    for (int i = 0; i < 40; i++) {
      run_for(20);
      SocketAddress from;
      char byte;
      if (recvfrom(pod.fd.get(), &byte, 1, MSG_DONTWAIT, from.storage(), from.room()) == 1)
        return from.port();
    }
    return 0;
  }
};

Fd client_of(uint16_t port) {
  Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SocketAddress address = loopback(port);
  REQUIRE(connect(fd.get(), address.get(), address.size()) == 0);
  return fd;
}

}  // namespace

TEST_CASE("a client's session ends when it was silent for long, and its descriptor with it") {
  Fixture fixture(kShort);
  Fd client = client_of(fixture.port);
  CHECK(fixture.deliver(client) != 0);
  CHECK(fixture.relay->clients() == 1);
  CHECK(fixture.quota.used == 1);
  for (int i = 0; i < 40 && fixture.relay->clients() > 0; i++) fixture.run_for(50);
  CHECK(fixture.relay->clients() == 0);
  CHECK(fixture.quota.used == 0);
  CHECK(fixture.deliver(client) != 0);  // and begins anew
  CHECK(fixture.relay->clients() == 1);
}

TEST_CASE("a session in use stays, whatever others do") {
  Fixture fixture(kShort);
  Fd busy = client_of(fixture.port), silent = client_of(fixture.port);
  CHECK(fixture.deliver(silent) != 0);
  uint16_t first = fixture.deliver(busy);
  for (int i = 0; i < 60 && fixture.relay->clients() > 1; i++) CHECK(fixture.deliver(busy) == first);
  CHECK(fixture.relay->clients() == 1);
  CHECK(fixture.deliver(busy) == first);
}
