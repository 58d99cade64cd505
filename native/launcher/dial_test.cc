#include "launcher/dial.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "core/scm.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

Packet dial_through_channel(const std::string& host, uint16_t port) {
  auto channel = make_packet_pair();
  REQUIRE(channel.ok());
  REQUIRE(start_dial(channel->first, {7, host, port, 2000}).ok());
  auto packet = receive_packet(channel->second);
  REQUIRE(packet.ok());
  REQUIRE(packet.value().has_value());
  return std::move(*packet.value());
}

}  // namespace

TEST_CASE("getent's lines give each address once, in order") {
  CHECK(addresses_of("").empty());
  CHECK(addresses_of("::1             STREAM localhost\n::1             DGRAM\n127.0.0.1       STREAM\n") ==
        std::vector<std::string>{"::1", "127.0.0.1"});
}

TEST_CASE("a connection to a listening socket arrives with the answer") {
  // Non-blocking: a connection that never came is a failed accept, not a test that hangs.
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(listener.get(), 1) == 0);
  REQUIRE(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);

  Packet answer = dial_through_channel("localhost", ntohs(address.sin_port));
  CHECK(answer.bytes == R"({"id":7,"ok":{"address":"127.0.0.1"}})");
  REQUIRE(answer.fds.size() == 1);
  Fd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(accepted);
  REQUIRE(write_all(answer.fds[0], "hello", 5).ok());
  char text[5];
  CHECK(read(accepted.get(), text, sizeof text) == 5);
}

TEST_CASE("a refused connection and an unknown name are told apart") {
  CHECK(dial_through_channel("127.0.0.1", 1).bytes.find("\"code\":\"ECONNREFUSED\"") != std::string::npos);
  CHECK(dial_through_channel("no-such-host.invalid", 80).bytes.find("\"code\":\"ENOTFOUND\"") !=
        std::string::npos);
}
