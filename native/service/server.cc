#include "service/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lichen {

namespace {

bool is_own_user(const Fd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

}  // namespace

Status Server::listen(const Fd& directory, const char* name) {
  listener_ = Fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_) return sys_error("socket", "AF_UNIX");
  unlinkat(directory.get(), name, 0);
  // The directory's path may be longer than the 107 bytes of a socket address; its descriptor never is.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory.get(), name);
  mode_t before = umask(0177);
  int bound = bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  umask(before);
  if (bound != 0) return sys_error("bind", name);
  if (::listen(listener_.get(), 16) != 0) return sys_error("listen", name);
  return loop_.watch(listener_, EPOLLIN, [this](uint32_t) { accept(); });
}

void Server::remove_socket(const Fd& directory, const char* name) { unlinkat(directory.get(), name, 0); }

void Server::accept() {
  Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket && is_own_user(socket)) (void)add(std::move(socket));
}

Status Server::add(Fd socket) {
  auto connection = std::make_shared<Connection>(loop_, std::move(socket));
  LICHEN_TRY(connection->open(on_packet_, [this](const std::shared_ptr<Connection>& closed) {
    std::erase(connections_, closed);
    on_close_(closed);
  }));
  connections_.push_back(std::move(connection));
  if (on_open_) on_open_();
  return {};
}

void Server::broadcast(const std::string& text) {
  auto everybody = connections_;  // a failed send takes its connection out of the list
  for (const auto& connection : everybody) connection->send(text);
}

}  // namespace lichen
