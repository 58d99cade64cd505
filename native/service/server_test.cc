#include "service/server.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "scratch_directory.h"

using namespace lichen;

namespace {

constexpr const char* kName = "test.sock";

// A server in a loop that answers every packet with itself, and writes down who came and went.
struct Served {
  ScratchDirectory scratch;
  Fd directory = scratch.open();
  EventLoop loop = std::move(EventLoop::create()).value();
  int opened = 0;
  int closed = 0;
  Server server{loop,
                [](const std::shared_ptr<Connection>& connection, Packet packet) {
                  connection->send("echo " + packet.bytes);
                },
                [this](const std::shared_ptr<Connection>&) { closed++; }};

  Served() {
    server.on_open([this] { opened++; });
  }
  void turn() {
    loop.after(std::chrono::milliseconds(20), [this] { loop.stop(); });
    REQUIRE(loop.run().ok());
  }
  // A connected client; an empty Fd where nobody listens.
  Fd connect() {
    Fd client(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    REQUIRE(static_cast<bool>(client));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory.get(), kName);
    if (::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return Fd();
    return client;
  }
};

std::string received(const Fd& client) {
  char text[256];
  ssize_t n = recv(client.get(), text, sizeof text, MSG_DONTWAIT);
  return n < 0 ? "" : std::string(text, static_cast<size_t>(n));
}

}  // namespace

TEST_CASE("every client has its own answers, and a broadcast reaches all of them") {
  Served test;
  REQUIRE(test.server.listen(test.directory, kName).ok());
  Fd one = test.connect();
  Fd two = test.connect();
  REQUIRE(send_packet(one, "1").ok());
  REQUIRE(send_packet(two, "2").ok());
  test.turn();
  CHECK(test.opened == 2);
  CHECK(received(one) == "echo 1");
  CHECK(received(two) == "echo 2");
  CHECK(received(two).empty());
  test.server.broadcast("all");
  test.turn();
  CHECK(received(one) == "all");
  CHECK(received(two) == "all");
}

TEST_CASE("a client that goes is told of once; the others stay") {
  Served test;
  REQUIRE(test.server.listen(test.directory, kName).ok());
  Fd one = test.connect();
  Fd two = test.connect();
  test.turn();
  one.reset();
  test.turn();
  CHECK(test.closed == 1);
  test.server.broadcast("still here");
  test.turn();
  CHECK(received(two) == "still here");
  CHECK(test.closed == 1);
}

TEST_CASE("the socket is its user's alone, takes a dead one's place, and its name can be taken away") {
  Served test;
  {
    Served before;  // leaves its name behind in a directory of its own
    REQUIRE(before.server.listen(test.directory, kName).ok());
  }
  REQUIRE_FALSE(static_cast<bool>(test.connect()));
  REQUIRE(test.server.listen(test.directory, kName).ok());
  struct stat status {};
  REQUIRE(fstatat(test.directory.get(), kName, &status, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  Fd client = test.connect();
  REQUIRE(static_cast<bool>(client));
  test.server.remove_socket(test.directory, kName);
  CHECK_FALSE(static_cast<bool>(test.connect()));
  REQUIRE(send_packet(client, "who was there").ok());
  test.turn();
  CHECK(received(client) == "echo who was there");
}

TEST_CASE("a socket that is handed over is a client like any other") {
  Served test;
  SocketPair pair = std::move(make_packet_pair()).value();
  REQUIRE(test.server.add(std::move(pair.first)).ok());
  CHECK(test.opened == 1);
  REQUIRE(send_packet(pair.second, "x").ok());
  test.turn();
  CHECK(received(pair.second) == "echo x");
}

TEST_CASE("a directory that cannot be written in is an error with the socket's name") {
  Served test;
  Fd proc(open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto listening = test.server.listen(proc, kName);
  REQUIRE_FALSE(listening.ok());
  CHECK(listening.error().text().find(kName) != std::string::npos);
}
