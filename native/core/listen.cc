#include "core/listen.h"

namespace lichen {

Result<ListeningSocket> listen_on(const SocketAddress& address, int type) {
  std::string object = address.text() + (type == SOCK_DGRAM ? "/udp" : "");
  Fd fd(socket(address.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket", object);
  int on = 1;
  // A restarted daemon asks for its port again while old connections are in TIME_WAIT. With datagrams the
  // option would let two programs share the port.
  if (type == SOCK_STREAM) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd.get(), address.get(), address.size()) != 0) return sys_error("bind", object);
  if (type == SOCK_STREAM && ::listen(fd.get(), SOMAXCONN) != 0) return sys_error("listen", object);
  SocketAddress bound;
  if (getsockname(fd.get(), bound.storage(), bound.room()) != 0) return sys_error("getsockname", object);
  return ListeningSocket{std::move(fd), bound.port()};
}

}  // namespace lichen
