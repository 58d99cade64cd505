// The control socket and everybody connected to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "service/connection.h"

namespace lichen {

class Server {
 public:
  Server(EventLoop& loop, Connection::OnPacket on_packet, Connection::OnClose on_close)
      : loop_(loop), on_packet_(std::move(on_packet)), on_close_(std::move(on_close)) {}

  // Listens on `name` in the directory (mode 0600).
  Status listen(const Fd& directory, const char* name);
  // Takes its name away; who is connected stays.
  void remove_socket(const Fd& directory, const char* name);
  // Called for every connection, before its first packet.
  void on_open(std::function<void()> opened) { on_open_ = std::move(opened); }
  // Takes a connected socket over.
  Status add(Fd socket);
  void broadcast(const std::string& text);

 private:
  void accept();

  EventLoop& loop_;
  Connection::OnPacket on_packet_;
  Connection::OnClose on_close_;
  std::function<void()> on_open_;
  Fd listener_;
  std::vector<std::shared_ptr<Connection>> connections_;
};

}  // namespace lichen
