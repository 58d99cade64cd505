#include "core/scm.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace lichen {

namespace {

// Space for one control message with the most descriptors, aligned as cmsghdr wants it.
union ControlBuffer {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int) * kMaxPacketFds)];
};

// Takes over the descriptors of every SCM_RIGHTS message.
std::vector<Fd> take_fds(msghdr& message) {
  std::vector<Fd> fds;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int number;
      memcpy(&number, CMSG_DATA(control) + i * sizeof number, sizeof number);
      fds.emplace_back(number);
    }
  }
  return fds;
}

}  // namespace

Result<SocketPair> make_packet_pair(int flags) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, ends) != 0)
    return sys_error("socketpair");
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Status send_packet(const Fd& socket, std::string_view bytes, const std::vector<const Fd*>& fds) {
  if (bytes.empty() || bytes.size() > kMaxPacketBytes || fds.size() > kMaxPacketFds)
    return sys_error("send packet",
                     std::to_string(bytes.size()) + " bytes, " + std::to_string(fds.size()) + " descriptors",
                     EMSGSIZE);
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  ControlBuffer buffer{};
  if (!fds.empty()) {
    message.msg_control = buffer.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    for (size_t i = 0; i < fds.size(); i++) {
      int number = fds[i]->get();
      memcpy(CMSG_DATA(control) + i * sizeof number, &number, sizeof number);
    }
  }
  ssize_t n;
  do n = sendmsg(socket.get(), &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0) return sys_error("send packet");
  return {};
}

Result<std::optional<Packet>> receive_packet(const Fd& socket) {
  // Its size first: memory for the largest packet would be mapped, cleared and unmapped for each of a hundred
  // bytes.
  // Its failure is the answer: a packet that comes just after it would not fit. But a peer that closes with
  // packets unread resets the connection, which is told once, before what that peer had sent.
  ssize_t size;
  do size = recv(socket.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
  while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) return sys_error("receive packet");
  std::string bytes(std::clamp<size_t>(static_cast<size_t>(size), 1, kMaxPacketBytes), '\0');
  iovec data{bytes.data(), bytes.size()};
  ControlBuffer buffer{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = buffer.bytes;
  message.msg_controllen = sizeof buffer.bytes;
  ssize_t n;
  do n = recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  if (n < 0) return sys_error("receive packet");
  std::vector<Fd> fds = take_fds(message);
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
    return sys_error("receive packet",
                     message.msg_flags & MSG_TRUNC ? "(more than 64 KiB)" : "(more than 16 descriptors)",
                     EMSGSIZE);
  if (n == 0) return std::optional<Packet>();
  bytes.resize(static_cast<size_t>(n));
  return std::optional<Packet>(Packet{std::move(bytes), std::move(fds)});
}

}  // namespace lichen
