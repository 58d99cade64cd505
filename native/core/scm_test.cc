#include "core/scm.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <thread>

using namespace lichen;

namespace {

ino_t inode(const Fd& fd) {
  struct stat st {};
  fstat(fd.get(), &st);
  return st.st_ino;
}

}  // namespace

TEST_CASE("bytes and descriptors arrive together, close-on-exec") {
  auto pair = make_packet_pair();
  auto pipe = make_pipe();
  REQUIRE(pair.ok());
  REQUIRE(pipe.ok());
  REQUIRE(send_packet(pair->first, "one", {&pipe->read, &pipe->write}).ok());
  REQUIRE(send_packet(pair->first, "two").ok());
  auto first = receive_packet(pair->second);
  REQUIRE(first.ok());
  REQUIRE(first.value().has_value());
  CHECK((*first.value()).bytes == "one");
  auto& fds = (*first.value()).fds;
  REQUIRE(fds.size() == 2);
  CHECK(inode(fds[0]) == inode(pipe->read));
  CHECK((fcntl(fds[1].get(), F_GETFD) & FD_CLOEXEC) != 0);
  auto second = receive_packet(pair->second);
  REQUIRE(second.ok());
  CHECK((*second.value()).bytes == "two");
  CHECK((*second.value()).fds.empty());
}

TEST_CASE("the end of the peer is no packet, and sending to it fails without a signal") {
  auto pair = make_packet_pair();
  REQUIRE(pair.ok());
  pair->second.reset();
  auto end = receive_packet(pair->first);
  REQUIRE(end.ok());
  CHECK(!end.value().has_value());
  CHECK(send_packet(pair->first, "x").error().code == "EPIPE");
}

TEST_CASE("a peer that closes without having read everything has ended too") {
  auto pair = make_packet_pair();
  REQUIRE(pair.ok());
  REQUIRE(send_packet(pair->first, "never read").ok());
  pair->second.reset();
  auto end = receive_packet(pair->first);
  REQUIRE(end.ok());
  CHECK(!end.value().has_value());
}

TEST_CASE("what a peer sent before it closed without having read everything is there") {
  auto pair = make_packet_pair();
  REQUIRE(pair.ok());
  REQUIRE(send_packet(pair->first, "never read").ok());
  REQUIRE(send_packet(pair->second, "last words").ok());
  pair->second.reset();
  auto words = receive_packet(pair->first);
  REQUIRE(words.ok());
  CHECK(words.value()->bytes == "last words");
  auto end = receive_packet(pair->first);
  REQUIRE(end.ok());
  CHECK(!end.value().has_value());
}

TEST_CASE("a packet that comes while none is found is whole") {
  auto pair = make_packet_pair(SOCK_NONBLOCK);
  REQUIRE(pair.ok());
  constexpr int kPackets = 100'000;
  std::thread sender([&] {
    for (int sent = 0; sent < kPackets;) {
      auto status = send_packet(pair->first, "of more than one byte");
      if (status.ok())
        sent++;
      else if (status.error().code != "EAGAIN")
        break;
    }
  });
  int received = 0;
  while (received < kPackets) {
    auto packet = receive_packet(pair->second);
    if (!packet.ok() && packet.error().code == "EAGAIN") continue;
    if (!packet.ok() || packet.value()->bytes != "of more than one byte") break;
    received++;
  }
  CHECK(received == kPackets);
  if (received < kPackets) pair->second.reset();
  sender.join();
}

TEST_CASE("limits") {
  auto pair = make_packet_pair(SOCK_NONBLOCK);
  REQUIRE(pair.ok());
  CHECK(send_packet(pair->first, "").error().code == "EMSGSIZE");
  CHECK(send_packet(pair->first, std::string(kMaxPacketBytes + 1, 'x')).error().code == "EMSGSIZE");
  CHECK(send_packet(pair->first, "x", std::vector<const Fd*>(kMaxPacketFds + 1, &pair->first)).error().code ==
        "EMSGSIZE");
  CHECK(receive_packet(pair->second).error().code == "EAGAIN");
  CHECK(send_packet(pair->first, std::string(kMaxPacketBytes, 'x'),
                    std::vector<const Fd*>(kMaxPacketFds, &pair->first))
            .ok());
  auto packet = receive_packet(pair->second);
  REQUIRE(packet.ok());
  CHECK((*packet.value()).bytes.size() == kMaxPacketBytes);
  CHECK((*packet.value()).fds.size() == kMaxPacketFds);
}

TEST_CASE("a packet larger than a receiver takes is refused, and its descriptors are closed") {
  auto pair = make_packet_pair();
  REQUIRE(pair.ok());
  std::string large(kMaxPacketBytes + 1, 'x');
  REQUIRE(send(pair->first.get(), large.data(), large.size(), 0) > 0);
  CHECK(receive_packet(pair->second).error().code == "EMSGSIZE");
  REQUIRE(send_packet(pair->first, "next").ok());
  CHECK((*receive_packet(pair->second).value()).bytes == "next");
}
