#include "ports/relay.h"

#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "core/listen.h"
#include "this_process.h"

using namespace lichen;
using namespace lichen::ports;

namespace {

SocketAddress loopback(uint16_t port, const char* ip = "127.0.0.1") {
  return SocketAddress::parse(ip, port).value();
}

// A relay of a kind from a port of its own to a server on this machine.
struct Fixture {
  EventLoop loop = std::move(EventLoop::create()).value();
  PipePool pool;
  Quota quota;
  int type;
  ListeningSocket server;
  uint16_t port = 0;
  std::unique_ptr<Relay> relay;

  explicit Fixture(int kind, size_t most = 1024) : type(kind) {
    quota.most = most;
    server = std::move(listen_on(loopback(0), kind)).value();
    auto front = listen_on(SocketAddress::parse("0.0.0.0", 0).value(), kind);
    REQUIRE(front.ok());
    port = front->port;
    Target target;
    target.pods = {loopback(server.port)};
    relay = kind == SOCK_STREAM ? tcp_relay(loop, pool, quota, std::move(front->fd), target)
                                : udp_relay(loop, quota, std::move(front->fd), target);
    REQUIRE(relay->open().ok());
  }

  Fd client(const char* ip = "127.0.0.1") const {
    Fd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    SocketAddress there = loopback(port, ip);
    REQUIRE(connect(fd.get(), there.get(), there.size()) == 0);
    return fd;
  }

  // Lets the relay work until something is so, five seconds at most.
  bool until(const std::function<bool()>& so) {
    for (int i = 0; i < 1000; i++) {
      if (so()) return true;
      loop.after(std::chrono::milliseconds(5), [this] { loop.stop(); });
      REQUIRE(loop.run().ok());
    }
    return false;
  }

  Fd accepted() {
    Fd fd;
    CHECK(until([&] {
      fd = Fd(accept4(server.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      return static_cast<bool>(fd);
    }));
    return fd;
  }

  // What comes next; "<end>" for the end, "<error>" for a reset.
  std::string received(const Fd& fd) {
    char text[256];
    ssize_t n = -1;
    CHECK(until([&] {
      n = recv(fd.get(), text, sizeof text, MSG_DONTWAIT);
      return n >= 0 || errno != EAGAIN;
    }));
    return n < 0 ? "<error>" : n == 0 ? "<end>" : std::string(text, static_cast<size_t>(n));
  }
};

void say(const Fd& fd, const std::string& text) {
  REQUIRE(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE("an end of input goes through alone: the answer still comes") {
  Fixture test(SOCK_STREAM);
  Fd client = test.client();
  Fd server = test.accepted();
  say(client, "question");
  REQUIRE(shutdown(client.get(), SHUT_WR) == 0);
  CHECK(test.received(server) == "question");
  CHECK(test.received(server) == "<end>");
  say(server, "answer");
  CHECK(test.received(client) == "answer");
  server.reset();
  CHECK(test.received(client) == "<end>");
  CHECK(test.until([&] { return test.relay->clients() == 0 && test.quota.used == 0; }));
}

TEST_CASE("a reset of one side is a reset of the other") {
  Fixture test(SOCK_STREAM);
  Fd client = test.client();
  Fd server = test.accepted();
  linger hard{1, 0};
  setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  server.reset();
  CHECK(test.received(client) == "<error>");
  CHECK(test.until([&] { return test.relay->clients() == 0; }));
}

TEST_CASE("above the quota clients wait, and are served when there is room") {
  Fixture test(SOCK_STREAM, 1);
  Fd first = test.client();
  Fd at_server = test.accepted();
  Fd second = test.client();
  say(second, "patience");
  // Long enough that one who is not held back would be there.
  for (int i = 0; i < 40; i++) {
    test.loop.after(std::chrono::milliseconds(5), [&] { test.loop.stop(); });
    REQUIRE(test.loop.run().ok());
    CHECK(test.quota.used == 1);
  }
  first.reset();
  at_server.reset();
  Fd next = test.accepted();
  CHECK(test.received(next) == "patience");
  CHECK(test.quota.used == 1);
}

TEST_CASE("a relay that goes takes its clients along, and every descriptor") {
  long before = open_descriptors();
  {
    Fixture test(SOCK_STREAM);
    std::vector<Fd> clients;
    for (int i = 0; i < 20; i++) clients.push_back(test.client());
    CHECK(test.until([&] { return test.relay->clients() == 20; }));
    say(clients[0], "on its way");
    test.relay.reset();
    CHECK(test.quota.used == 0);
    for (const Fd& client : clients) CHECK(test.received(client) == "<error>");
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("of datagrams too, and no session is left") {
  long before = open_descriptors();
  {
    Fixture test(SOCK_DGRAM);
    std::vector<Fd> clients;
    for (int i = 0; i < 20; i++) {
      clients.push_back(test.client());
      say(clients.back(), std::to_string(i));
    }
    CHECK(test.until([&] { return test.relay->clients() == 20; }));
    CHECK(test.quota.used == 20);
    test.relay.reset();
    CHECK(test.quota.used == 0);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("the session that was silent for longest makes room for a new client") {
  Fixture test(SOCK_DGRAM, 2);
  Fd oldest = test.client();
  Fd middle = test.client();
  say(oldest, "a");
  CHECK(test.received(test.server.fd) == "a");
  say(middle, "b");
  CHECK(test.received(test.server.fd) == "b");
  say(oldest, "c");  // so the middle one is the silent one
  CHECK(test.received(test.server.fd) == "c");
  Fd newest = test.client();
  say(newest, "d");
  char text[16];
  SocketAddress session;
  CHECK(test.until([&] {
    return recvfrom(test.server.fd.get(), text, sizeof text, MSG_DONTWAIT, session.storage(),
                    session.room()) == 1;
  }));
  CHECK(text[0] == 'd');
  CHECK(test.relay->clients() == 2);
  REQUIRE(sendto(test.server.fd.get(), "to d", 4, 0, session.get(), session.size()) == 4);
  CHECK(test.received(newest) == "to d");
  // The one that was put out is a client again with its next word.
  say(middle, "e");
  CHECK(test.received(test.server.fd) == "e");
  CHECK(test.relay->clients() == 2);
}

TEST_CASE(
    "one client at two addresses of the port has two sessions, and each answer comes from where it asked") {
  Fixture test(SOCK_DGRAM);
  Fd client(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (const char* ip : {"127.0.0.1", "127.0.0.2"}) {
    SocketAddress there = loopback(test.port, ip);
    REQUIRE(sendto(client.get(), ip, strlen(ip), 0, there.get(), there.size()) > 0);
    char text[64];
    SocketAddress session;
    CHECK(test.until([&] {
      return recvfrom(test.server.fd.get(), text, sizeof text, MSG_DONTWAIT, session.storage(),
                      session.room()) > 0;
    }));
    REQUIRE(sendto(test.server.fd.get(), "answer", 6, 0, session.get(), session.size()) == 6);
    SocketAddress from;
    CHECK(test.until([&] {
      return recvfrom(client.get(), text, sizeof text, MSG_DONTWAIT, from.storage(), from.room()) == 6;
    }));
    CHECK(from.text() == there.text());
  }
  CHECK(test.relay->clients() == 2);
}

TEST_CASE("a pod where nobody listens yet costs datagrams, not the session") {
  Fixture test(SOCK_DGRAM);
  uint16_t port = test.server.port;
  test.server.fd.reset();
  Fd client = test.client();
  say(client, "lost");
  CHECK(test.until([&] { return test.relay->clients() == 1; }));
  auto late = listen_on(loopback(port), SOCK_DGRAM);
  REQUIRE(late.ok());
  say(client, "heard");
  CHECK(test.received(late->fd) == "heard");
  CHECK(test.relay->clients() == 1);
}
