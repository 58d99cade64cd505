// A TCP connection to a port of the pod's own loopback, for port forwarding.
#pragma once

#include <cstdint>

#include "monitor/answer.h"
#include "service/event_loop.h"

namespace lichen::monitor {

// Connects within the network namespace that the monitor is in, to 127.0.0.1 and then to ::1. The answer
// carries the connected, non-blocking socket; or the failure of the first address (ECONNREFUSED, or ETIMEDOUT
// after ten seconds).
void connect_port(EventLoop& loop, uint16_t port, Reply reply);

}  // namespace lichen::monitor
