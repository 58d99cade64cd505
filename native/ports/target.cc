#include "ports/target.h"

#include <netinet/ip.h>

#include <cerrno>

namespace lichen::ports {

namespace {

bool allow_foreign_source(const Fd& fd, int family) {
  int on = 1;
  int level = family == AF_INET ? SOL_IP : SOL_IPV6;
  int option = family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT;
  return setsockopt(fd.get(), level, option, &on, sizeof on) == 0;
}

Result<Fd> start(const SocketAddress& pod, const SocketAddress* source, int type) {
  Fd fd(socket(pod.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket", pod.text());
  if (source != nullptr) {
    int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // The port of a source without one is chosen at connect(), so that it only must be free towards the pod.
    if (source->port() == 0) setsockopt(fd.get(), SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (!allow_foreign_source(fd, pod.family())) return sys_error("setsockopt", "IP_TRANSPARENT");
    if (bind(fd.get(), source->get(), source->size()) != 0) return sys_error("bind", source->text());
  }
  if (connect(fd.get(), pod.get(), pod.size()) != 0 && errno != EINPROGRESS)
    return sys_error("connect", pod.text());
  return fd;
}

}  // namespace

const SocketAddress& choose_pod(const Target& target, const SocketAddress& client) {
  for (const SocketAddress& pod : target.pods)
    if (pod.family() == client.family()) return pod;
  return target.pods.front();
}

std::optional<SocketAddress> source_for(const Target& target, const SocketAddress& client) {
  if (!target.keep_client || choose_pod(target, client).family() != client.family()) return std::nullopt;
  if (client.is_loopback() || client.is_link_local()) return std::nullopt;
  for (const IpAddress& network : target.pod_networks)
    if (client.is_in(network)) return std::nullopt;
  return client;
}

Result<Fd> connect_to_pod(const Target& target, const SocketAddress& client, int type) {
  const SocketAddress& pod = choose_pod(target, client);
  auto source = source_for(target, client);
  if (!source) return start(pod, nullptr, type);
  auto same_port = start(pod, &*source, type);
  // The client's port may be in use here: by an earlier connection in TIME_WAIT, or a program of the node.
  if (same_port || (same_port.error().number != EADDRINUSE && same_port.error().number != EADDRNOTAVAIL))
    return same_port;
  source->set_port(0);
  auto any_port = start(pod, &*source, type);
  if (any_port) return any_port;
  return start(pod, nullptr, type);
}

}  // namespace lichen::ports
