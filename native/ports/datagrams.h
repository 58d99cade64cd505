// Many datagrams a system call, with the local address that each came to.
#pragma once

#include <string_view>
#include <vector>

#include "core/fd.h"
#include "core/socket_address.h"

namespace lichen::ports {

// A local address of a datagram, as the kernel passes it beside the bytes (ip(7) IP_PKTINFO, ipv6(7)
// IPV6_PKTINFO): answers leave from where the question came to.
struct PacketInfo {
  alignas(cmsghdr) char bytes[64] = {};
  size_t size = 0;
};

struct Datagram {
  SocketAddress peer;
  PacketInfo local;
  std::string_view bytes;  // in the buffer, until the next receive
};

// Memory for one receive, shared by all relays of the process.
class DatagramBuffer {
 public:
  static constexpr size_t kCount = 16;
  static constexpr size_t kSize = 65536;

  // Receives what waits, at most kCount. Empty when nothing does. Datagrams of an unconnected socket have
  // their sender; with `info` the local address too.
  Result<std::vector<Datagram>> receive(const Fd& socket, bool info);

 private:
  std::vector<char> memory_;
};

// Asks for PacketInfo.
Status want_packet_info(const Fd& socket, int family);

// Sends as many as the kernel takes; the rest is dropped, as datagrams are. With `peer` to that address from
// `local`, else over a connected socket.
void send_datagrams(const Fd& socket, const std::vector<std::string_view>& packets,
                    const SocketAddress* peer = nullptr, const PacketInfo* local = nullptr);

}  // namespace lichen::ports
