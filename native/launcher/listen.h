// Listening sockets on the host side, for a daemon that lives in another network namespace.
#pragma once

#include <cstdint>
#include <string>

#include "core/fd.h"

namespace lichen::launcher {

struct ListeningSocket {
  Fd fd;
  uint16_t port = 0;  // the one chosen by the kernel where 0 was asked for
};

// A TCP socket bound to an IPv4 or IPv6 address (no names) of the host, listening. Code INVALID_ADDRESS for
// anything else; EADDRINUSE, EACCES (ports below net.ipv4.ip_unprivileged_port_start), EADDRNOTAVAIL from the
// kernel.
Result<ListeningSocket> listen_on(const std::string& address, uint16_t port);

}  // namespace lichen::launcher
