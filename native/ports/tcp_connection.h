// One client's TCP connection to a pod.
#pragma once

#include <functional>
#include <memory>

#include "ports/splice_flow.h"
#include "ports/target.h"
#include "service/event_loop.h"

namespace lichen::ports {

// Connects to the pod and joins the two until both directions have ended. A pod that refuses, or does not
// answer within ten seconds, and any failure of one side, resets the other. Clients that vanished are found
// by keep-alives; one that reads nothing for fifteen minutes is given up.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  // `ended` is called once, when nothing of the connection is left but this object.
  TcpConnection(EventLoop& loop, PipePool& pool, Fd client, std::function<void()> ended);
  ~TcpConnection();

  Status open(const Target& target, const SocketAddress& address);
  // Resets both sides.
  void abort();

 private:
  void handle();
  void connected();
  void pump();
  void close();

  EventLoop& loop_;
  Fd client_;
  Fd pod_;
  std::function<void()> ended_;
  SpliceFlow to_pod_;
  SpliceFlow to_client_;
  EventLoop::TimerId timer_ = 0;
  bool connecting_ = true;
};

}  // namespace lichen::ports
