// One daemon's connection.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/scm.h"
#include "service/event_loop.h"

namespace lichen {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using OnPacket = std::function<void(const std::shared_ptr<Connection>&, Packet)>;
  using OnClose = std::function<void(const std::shared_ptr<Connection>&)>;

  Connection(EventLoop& loop, Fd socket) : loop_(loop), socket_(std::move(socket)) {}
  ~Connection() { loop_.forget(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status open(OnPacket on_packet, OnClose on_close);
  // Never waits: what the peer does not read at once is kept, and a peer that lets too much of it gather is
  // closed.
  void send(std::string text, std::vector<Fd> fds = {});

 private:
  struct Waiting {
    std::string text;
    std::vector<Fd> fds;
  };
  void handle(uint32_t events);
  void receive();
  void flush();
  void close();

  EventLoop& loop_;
  Fd socket_;
  OnPacket on_packet_;
  OnClose on_close_;
  std::deque<Waiting> waiting_;
};

}  // namespace lichen
