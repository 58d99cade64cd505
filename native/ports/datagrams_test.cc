#include "ports/datagrams.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "core/listen.h"

using namespace lichen;
using namespace lichen::ports;

namespace {

SocketAddress address(const char* ip, uint16_t port = 0) { return SocketAddress::parse(ip, port).value(); }

// A bound socket and where it can be reached.
struct Bound {
  Fd fd;
  SocketAddress address;

  explicit Bound(const char* ip, const char* reach = nullptr) {
    auto socket = listen_on(::address(ip), SOCK_DGRAM);
    REQUIRE(socket.ok());
    fd = std::move(socket->fd);
    address = ::address(reach == nullptr ? ip : reach, socket->port);
  }
  void send(const std::string& text, const SocketAddress& to) const {
    REQUIRE(sendto(fd.get(), text.data(), text.size(), 0, to.get(), to.size()) ==
            static_cast<ssize_t>(text.size()));
  }
};

bool waits(const Fd& fd) {
  pollfd one{fd.get(), POLLIN, 0};
  return poll(&one, 1, 1000) == 1;
}

}  // namespace

TEST_CASE("what waits is received in order, with its sender, at most so many at once") {
  Bound server("127.0.0.1");
  Bound client("127.0.0.1");
  for (size_t i = 0; i < DatagramBuffer::kCount + 3; i++) client.send(std::to_string(i), server.address);
  DatagramBuffer buffer;
  size_t seen = 0;
  for (size_t expected : {DatagramBuffer::kCount, size_t{3}, size_t{0}}) {
    auto got = buffer.receive(server.fd, false);
    REQUIRE(got.ok());
    CHECK(got->size() == expected);
    for (const Datagram& one : got.value()) {
      CHECK(one.bytes == std::to_string(seen++));
      CHECK(one.peer.text() == client.address.text());
    }
  }
}

TEST_CASE("an empty datagram is one, and so is the largest") {
  Bound server("127.0.0.1");
  Bound client("127.0.0.1");
  std::string largest(65507, 'x');  // 65535 without the heads of IPv4 and UDP
  client.send("", server.address);
  client.send(largest, server.address);
  DatagramBuffer buffer;
  auto got = buffer.receive(server.fd, false);
  REQUIRE(got.ok());
  REQUIRE(got->size() == 2);
  CHECK((*got.operator->())[0].bytes.empty());
  CHECK((*got.operator->())[1].bytes == largest);
}

TEST_CASE("an answer leaves from the address that was asked, on a socket of all addresses") {
  struct {
    const char *any, *asked, *client;
  } cases[] = {{"0.0.0.0", "127.0.0.9", "127.0.0.1"}, {"::", "::1", "::1"}};
  for (const auto& one : cases) {
    if (address(one.any).family() == AF_INET6 && access("/proc/net/if_inet6", F_OK) != 0) {
      MESSAGE("skip: the kernel has no IPv6");
      continue;
    }
    Bound server(one.any, one.asked);
    REQUIRE(want_packet_info(server.fd, server.address.family()).ok());
    Bound client(one.client);
    client.send("question", server.address);
    DatagramBuffer buffer;
    auto got = buffer.receive(server.fd, true);
    REQUIRE(got.ok());
    REQUIRE(got->size() == 1);
    Datagram question = (*got.operator->())[0];
    CHECK(question.local.size > 0);
    send_datagrams(server.fd, {"one", "two"}, &question.peer, &question.local);
    REQUIRE(waits(client.fd));
    auto answers = buffer.receive(client.fd, false);
    REQUIRE(answers.ok());
    REQUIRE(answers->size() == 2);
    CHECK((*answers.operator->())[1].bytes == "two");
    for (const Datagram& answer : answers.value()) CHECK(answer.peer.text() == server.address.text());
  }
}

TEST_CASE("the refusal of an earlier datagram does not swallow a later one") {
  Bound client("127.0.0.1");
  Bound server("127.0.0.1");
  SocketAddress there = server.address;
  server.fd.reset();
  REQUIRE(connect(client.fd.get(), there.get(), there.size()) == 0);
  send_datagrams(client.fd, {"nobody hears"});
  REQUIRE(waits(client.fd));  // the ICMP error
  auto again = listen_on(there, SOCK_DGRAM);
  REQUIRE(again.ok());
  send_datagrams(client.fd, {"heard"});
  REQUIRE(waits(again->fd));
  DatagramBuffer buffer;
  auto got = buffer.receive(again->fd, false);
  REQUIRE(got.ok());
  REQUIRE(got->size() == 1);
  CHECK((*got.operator->())[0].bytes == "heard");
}

TEST_CASE("a refusal is an error of the next receive, and of that one only") {
  Bound client("127.0.0.1");
  Bound server("127.0.0.1");
  REQUIRE(connect(client.fd.get(), server.address.get(), server.address.size()) == 0);
  server.fd.reset();
  send_datagrams(client.fd, {"nobody hears"});
  REQUIRE(waits(client.fd));
  DatagramBuffer buffer;
  auto refused = buffer.receive(client.fd, false);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == "ECONNREFUSED");
  auto nothing = buffer.receive(client.fd, false);
  REQUIRE(nothing.ok());
  CHECK(nothing->empty());
}
