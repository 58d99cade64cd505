#include "launcher/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace lichen::launcher {

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool parse_address(const std::string& text, uint16_t port, SocketAddress& address) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    return true;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  address.size = sizeof *v6;
  return true;
}

uint16_t port_of(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
}

}  // namespace

Result<ListeningSocket> listen_on(const std::string& address, uint16_t port) {
  std::string object = address + " port " + std::to_string(port);
  SocketAddress wanted;
  if (!parse_address(address, port, wanted))
    return plain_error("INVALID_ADDRESS", "listen", "\"" + address + "\"", "is not an IPv4 or IPv6 address");
  Fd fd(socket(wanted.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket", object);
  int on = 1;
  // A restarted daemon asks for its port again while old connections are in TIME_WAIT.
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (wanted.storage.ss_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd.get(), wanted.get(), wanted.size) != 0) return sys_error("bind", object);
  if (::listen(fd.get(), SOMAXCONN) != 0) return sys_error("listen", object);
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  if (getsockname(fd.get(), bound.get(), &bound.size) != 0) return sys_error("getsockname", object);
  return ListeningSocket{std::move(fd), port_of(bound)};
}

}  // namespace lichen::launcher
