#include "ports/published.h"

#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/listen.h"

using namespace lichen;
using namespace lichen::ports;

namespace {

SocketAddress loopback(uint16_t port) { return SocketAddress::parse("127.0.0.1", port).value(); }

struct Fixture {
  EventLoop loop = EventLoop::create().value();
  int changes = 0;
  Published published{loop, [this] {
                        changes++;
                        loop.stop();
                      }};

  // Publishes a fresh socket that leads to `port` of this machine; gives the socket's own.
  uint16_t publish(const char* protocol, uint16_t port, pid_t monitor = getpid()) {
    bool udp = std::string(protocol) == "udp";
    auto socket = listen_on(loopback(0), udp ? SOCK_DGRAM : SOCK_STREAM);
    REQUIRE(socket.ok());
    std::vector<Fd> fds;
    fds.push_back(std::move(socket->fd));
    Status done = ask(JsonObject()
                          .text("pod", "p")
                          .text("name", std::string("a/") + protocol)
                          .text("protocol", protocol)
                          .number("monitor", monitor)
                          .number("port", port)
                          .raw("targets", R"(["127.0.0.1"])")
                          .str(),
                      std::move(fds));
    CHECK((done ? "" : done.error().text()) == "");
    return socket->port;
  }

  Status ask(const std::string& text, std::vector<Fd> fds = {}) {
    auto document = JsonDocument::parse(text, "request");
    REQUIRE(document.ok());
    return published.publish(document.value(), std::move(fds));
  }

  // Runs the loop until `fd` can be read, two seconds at most.
  bool readable(const Fd& fd) {
    bool seen = false;
    REQUIRE(loop.watch(fd, EPOLLIN,
                       [&](uint32_t) {
                         seen = true;
                         loop.stop();
                       })
                .ok());
    auto timer = loop.after(std::chrono::seconds(2), [&] { loop.stop(); });
    REQUIRE(loop.run().ok());
    loop.cancel(timer);
    loop.forget(fd);
    return seen;
  }
};

Fd client(int type, uint16_t port) {
  Fd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  SocketAddress address = loopback(port);
  REQUIRE(connect(fd.get(), address.get(), address.size()) == 0);
  return fd;
}

std::string text_of(const Fd& fd) {
  char buffer[256];
  ssize_t n = read(fd.get(), buffer, sizeof buffer);
  return n < 0 ? "<error>" : std::string(buffer, static_cast<size_t>(n));
}

}  // namespace

TEST_CASE("a connection is passed on, both ways") {
  Fixture fixture;
  auto server = listen_on(loopback(0));
  Fd one = client(SOCK_STREAM, fixture.publish("tcp", server->port));
  REQUIRE(fixture.readable(server->fd));
  Fd other(accept4(server->fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(write(one.get(), "ping", 4) == 4);
  REQUIRE(fixture.readable(other));
  CHECK(text_of(other) == "ping");
  REQUIRE(write(other.get(), "pong", 4) == 4);
  REQUIRE(fixture.readable(one));
  CHECK(text_of(one) == "pong");
  CHECK(fixture.published.list() == R"([{"pod":"p","name":"a/tcp","clients":1}])");
  fixture.published.unpublish("p");
  CHECK(fixture.published.count() == 0);
  CHECK(text_of(one) == "<error>");  // reset
}

TEST_CASE("a pod that refuses resets its client") {
  Fixture fixture;
  auto unused = listen_on(loopback(0));
  uint16_t port = unused->port;
  unused->fd.reset();
  Fd one = client(SOCK_STREAM, fixture.publish("tcp", port));
  REQUIRE(fixture.readable(one));
  CHECK(text_of(one) == "<error>");
}

TEST_CASE("each client of a datagram port has a session, and answers find their client") {
  Fixture fixture;
  auto server = listen_on(loopback(0), SOCK_DGRAM);
  uint16_t port = fixture.publish("udp", server->port);
  Fd first = client(SOCK_DGRAM, port);
  Fd second = client(SOCK_DGRAM, port);
  for (const Fd* one : {&first, &second}) {
    std::string text = one == &first ? "first" : "second";
    REQUIRE(write(one->get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(fixture.readable(server->fd));
    char buffer[64];
    SocketAddress peer;
    ssize_t n = recvfrom(server->fd.get(), buffer, sizeof buffer, 0, peer.storage(), peer.room());
    CHECK(std::string(buffer, static_cast<size_t>(n)) == text);
    text += " back";
    REQUIRE(sendto(server->fd.get(), text.data(), text.size(), 0, peer.get(), peer.size()) > 0);
    REQUIRE(fixture.readable(*one));
    CHECK(text_of(*one) == text);
  }
  CHECK(fixture.published.list() == R"([{"pod":"p","name":"a/udp","clients":2}])");
}

TEST_CASE("ports end with the monitor of their pod") {
  Fixture fixture;
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (;;) pause();
  }
  fixture.publish("tcp", 9, child);
  CHECK(fixture.published.count() == 1);
  kill(child, SIGKILL);
  auto timer = fixture.loop.after(std::chrono::seconds(5), [&] { fixture.loop.stop(); });
  REQUIRE(fixture.loop.run().ok());
  fixture.loop.cancel(timer);
  waitpid(child, nullptr, 0);
  CHECK(fixture.changes == 1);
  CHECK(fixture.published.count() == 0);
}

TEST_CASE("requests without what they need change nothing") {
  Fixture fixture;
  for (const char* text :
       {R"({"pod":"p"})", R"({"pod":"p","name":"n","monitor":1,"port":0,"targets":["::1"]})",
        R"({"pod":"p","name":"n","monitor":1,"port":1,"targets":[]})",
        R"({"pod":"p","name":"n","monitor":1,"port":1,"targets":["::1"]})",
        R"({"pod":"p","name":"n","protocol":"sctp","monitor":1,"port":1,"targets":["::1"]})"}) {
    auto done = fixture.ask(text);
    REQUIRE(!done.ok());
    CHECK(done.error().code == "INVALID_FIELD");
  }
  CHECK(fixture.ask(R"({"pod":"p","name":"n","monitor":1,"port":1,"targets":["x"]})").error().code ==
        "INVALID_ADDRESS");
  CHECK(fixture.published.count() == 0);
}
