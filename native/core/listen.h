// Sockets that wait for clients.
#pragma once

#include "core/fd.h"
#include "core/socket_address.h"

namespace lichen {

struct ListeningSocket {
  Fd fd;
  uint16_t port = 0;  // the one chosen by the kernel where 0 was asked for
};

// A non-blocking socket bound to `address` in the calling thread's network namespace: a listening one with
// SOCK_STREAM, one that receives with SOCK_DGRAM. An IPv6 socket takes IPv6 only, so that both families can
// have the same port. EADDRINUSE, EACCES (ports below net.ipv4.ip_unprivileged_port_start), EADDRNOTAVAIL
// from the kernel.
Result<ListeningSocket> listen_on(const SocketAddress& address, int type = SOCK_STREAM);

}  // namespace lichen
