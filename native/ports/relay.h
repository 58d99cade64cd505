// A published port: its socket on the node's or the host's side, and whoever uses it.
#pragma once

#include <chrono>
#include <memory>

#include "ports/pipe_pool.h"
#include "ports/target.h"
#include "service/event_loop.h"

namespace lichen::ports {

// How many connections and sessions there may be, of all ports together: so many that descriptors suffice.
struct Quota {
  size_t most = 1024;
  size_t used = 0;

  bool full() const { return used >= most; }
};

// Gone with the object: socket, connections, sessions.
class Relay {
 public:
  virtual ~Relay() = default;
  virtual Status open() = 0;
  // Clients that it serves at this moment.
  virtual size_t clients() const = 0;
};

// `socket` listens. While the quota is used up nobody is accepted: clients wait in the kernel's queue.
std::unique_ptr<Relay> tcp_relay(EventLoop& loop, PipePool& pool, Quota& quota, Fd socket, Target target);

// For how long a session lives without a datagram, and how often that is looked at.
struct SessionTimes {
  std::chrono::milliseconds idle{60'000};
  std::chrono::milliseconds sweep{5'000};
};

// `socket` receives datagrams. A client has a session, with a port of its own towards the pod, until a minute
// has passed without a datagram in either direction; the one that was silent for longest makes room for a new
// one when there are too many.
std::unique_ptr<Relay> udp_relay(EventLoop& loop, Quota& quota, Fd socket, Target target,
                                 SessionTimes times = {});

}  // namespace lichen::ports
