#include "ports/datagrams.h"

#include <cerrno>
#include <cstring>

namespace lichen::ports {

namespace {

// IP_PKTINFO names the address a datagram came to in one member and takes the address to send from in
// another.
PacketInfo local_address(msghdr& header) {
  PacketInfo info;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO;
    bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO;
    if ((!v4 && !v6) || part->cmsg_len > sizeof info.bytes) continue;
    memcpy(info.bytes, part, part->cmsg_len);
    info.size = CMSG_SPACE(part->cmsg_len - CMSG_LEN(0));
    auto* copy = reinterpret_cast<cmsghdr*>(info.bytes);
    if (v4) {
      auto* data = reinterpret_cast<in_pktinfo*>(CMSG_DATA(copy));
      data->ipi_spec_dst = data->ipi_addr;
      data->ipi_ifindex = 0;
    } else {
      auto* data = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(copy));
      // Only a link-local address needs its interface.
      if (!IN6_IS_ADDR_LINKLOCAL(&data->ipi6_addr)) data->ipi6_ifindex = 0;
    }
  }
  return info;
}

}  // namespace

Status want_packet_info(const Fd& socket, int family) {
  int on = 1;
  int result = family == AF_INET6 ? setsockopt(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                                  : setsockopt(socket.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (result != 0) return sys_error("setsockopt", "PKTINFO");
  return {};
}

Result<std::vector<Datagram>> DatagramBuffer::receive(const Fd& socket, bool info) {
  if (memory_.empty()) memory_.resize(kCount * kSize);
  mmsghdr messages[kCount] = {};
  iovec parts[kCount];
  std::vector<Datagram> datagrams(kCount);
  for (size_t i = 0; i < kCount; i++) {
    parts[i] = {memory_.data() + i * kSize, kSize};
    msghdr& header = messages[i].msg_hdr;
    header.msg_iov = &parts[i];
    header.msg_iovlen = 1;
    header.msg_name = datagrams[i].peer.storage();
    header.msg_namelen = *datagrams[i].peer.room();
    if (!info) continue;
    header.msg_control = datagrams[i].local.bytes;
    header.msg_controllen = sizeof datagrams[i].local.bytes;
  }
  int count;
  do count = recvmmsg(socket.get(), messages, kCount, MSG_DONTWAIT, nullptr);
  while (count < 0 && errno == EINTR);
  if (count < 0 && errno != EAGAIN) return sys_error("recvmmsg");
  datagrams.resize(count < 0 ? 0 : static_cast<size_t>(count));
  for (size_t i = 0; i < datagrams.size(); i++) {
    datagrams[i].bytes = {memory_.data() + i * kSize, messages[i].msg_len};
    datagrams[i].peer.set_size(messages[i].msg_hdr.msg_namelen);
    if (info) datagrams[i].local = local_address(messages[i].msg_hdr);
  }
  return datagrams;
}

void send_datagrams(const Fd& socket, const std::vector<std::string_view>& packets, const SocketAddress* peer,
                    const PacketInfo* local) {
  std::vector<mmsghdr> messages(packets.size());
  std::vector<iovec> parts(packets.size());
  for (size_t i = 0; i < packets.size(); i++) {
    parts[i] = {const_cast<char*>(packets[i].data()), packets[i].size()};
    msghdr& header = messages[i].msg_hdr;
    header.msg_iov = &parts[i];
    header.msg_iovlen = 1;
    if (peer != nullptr) {
      header.msg_name = const_cast<sockaddr*>(peer->get());
      header.msg_namelen = peer->size();
    }
    if (local != nullptr && local->size > 0) {
      header.msg_control = const_cast<char*>(local->bytes);
      header.msg_controllen = local->size;
    }
  }
  size_t sent = 0;
  while (sent < messages.size()) {
    int n = sendmmsg(socket.get(), &messages[sent], static_cast<unsigned>(messages.size() - sent),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    // ECONNREFUSED is about an earlier datagram: this one has not been tried.
    if (n < 0 && errno == ECONNREFUSED) continue;
    if (n <= 0) return;
    sent += static_cast<size_t>(n);
  }
}

}  // namespace lichen::ports
