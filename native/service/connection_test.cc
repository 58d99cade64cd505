#include "service/connection.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <vector>

using namespace lichen;

namespace {

// A connection in a loop, and the peer's end of its socket.
struct Connected {
  EventLoop loop = std::move(EventLoop::create()).value();
  Fd peer;
  std::shared_ptr<Connection> connection;
  std::vector<std::string> packets;
  int closed = 0;

  Connected() {
    SocketPair pair = std::move(make_packet_pair()).value();
    peer = std::move(pair.second);
    connection = std::make_shared<Connection>(loop, std::move(pair.first));
    auto opened = connection->open(
        [this](const std::shared_ptr<Connection>&, Packet packet) {
          packets.push_back(packet.bytes);
          loop.stop();
        },
        [this](const std::shared_ptr<Connection>&) {
          closed++;
          loop.stop();
        });
    REQUIRE(opened.ok());
  }
  void turn() {
    auto limit = loop.after(std::chrono::seconds(5), [this] { loop.stop(); });
    REQUIRE(loop.run().ok());
    loop.cancel(limit);
  }
};

}  // namespace

TEST_CASE("packets come in, one at a time, and the end is told once") {
  Connected test;
  REQUIRE(send_packet(test.peer, "one").ok());
  REQUIRE(send_packet(test.peer, "two").ok());
  test.turn();
  test.turn();
  CHECK(test.packets == std::vector<std::string>{"one", "two"});
  test.peer.reset();
  test.turn();
  CHECK(test.closed == 1);
  test.connection->send("nobody hears");
  CHECK(test.closed == 1);
}

TEST_CASE("a peer that reads late gets everything, in order") {
  Connected test;
  // More than a socket's buffer holds.
  constexpr int kCount = 600;
  for (int i = 0; i < kCount; i++) test.connection->send(std::to_string(i) + std::string(1000, ' '));
  int got = 0;
  for (int round = 0; round < kCount && got < kCount; round++) {
    for (;;) {
      char text[2000];
      ssize_t n = recv(test.peer.get(), text, sizeof text, MSG_DONTWAIT);
      if (n <= 0) break;
      CHECK(std::stoi(std::string(text, static_cast<size_t>(n))) == got);
      got++;
    }
    test.loop.after(std::chrono::milliseconds(1), [&] { test.loop.stop(); });
    REQUIRE(test.loop.run().ok());
  }
  CHECK(got == kCount);
  CHECK(test.closed == 0);
}

TEST_CASE("a peer that never reads is let go") {
  Connected test;
  for (int i = 0; i < 5000 && test.closed == 0; i++) test.connection->send(std::string(1000, 'x'));
  CHECK(test.closed == 1);
}
