// Packets with descriptors over Unix sockets of type SOCK_SEQPACKET (unix(7), cmsg(3)).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"

namespace lichen {

// The most bytes and descriptors one packet carries, both ways.
inline constexpr size_t kMaxPacketBytes = 65536;
inline constexpr size_t kMaxPacketFds = 16;

struct Packet {
  std::string bytes;
  std::vector<Fd> fds;  // close-on-exec
};

struct SocketPair {
  Fd first;
  Fd second;
};

// socketpair(2) of type SOCK_SEQPACKET; both ends may be given SOCK_NONBLOCK by `flags`.
Result<SocketPair> make_packet_pair(int flags = 0);

// Sends one packet; the descriptors stay the caller's. Never raises SIGPIPE. EAGAIN on a non-blocking socket
// whose queue is full; EMSGSIZE for packets that are empty (the receiver would take them for the end) or too
// large.
Status send_packet(const Fd& socket, std::string_view bytes, const std::vector<const Fd*>& fds = {});

// Receives one packet; nothing at the end (the peer has closed). EAGAIN on a non-blocking socket without one.
// A packet that is larger than kMaxPacketBytes, or whose descriptors did not all fit, is an error (EMSGSIZE),
// and what came of it is closed.
Result<std::optional<Packet>> receive_packet(const Fd& socket);

}  // namespace lichen
