#include "service/connection.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>

namespace lichen {

namespace {

constexpr size_t kMaxWaiting = 1024;

}  // namespace

Status Connection::open(OnPacket on_packet, OnClose on_close) {
  int flags = fcntl(socket_.get(), F_GETFL);
  if (flags < 0 || fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return sys_error("fcntl", "O_NONBLOCK");
  on_packet_ = std::move(on_packet);
  on_close_ = std::move(on_close);
  return loop_.watch(socket_, EPOLLIN, [this](uint32_t events) { handle(events); });
}

void Connection::handle(uint32_t events) {
  auto self = shared_from_this();  // a packet or a failed send may close the connection
  if (events & EPOLLOUT) flush();
  if (socket_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive();
}

void Connection::receive() {
  auto packet = receive_packet(socket_);
  if (!packet && packet.error().number == EAGAIN) return;
  if (!packet || !*packet.operator->()) return close();
  on_packet_(shared_from_this(), std::move(**packet.operator->()));
}

void Connection::send(std::string text, std::vector<Fd> fds) {
  if (!socket_) return;
  waiting_.push_back({std::move(text), std::move(fds)});
  if (waiting_.size() == 1) return flush();
  if (waiting_.size() > kMaxWaiting) close();
}

void Connection::flush() {
  while (!waiting_.empty()) {
    std::vector<const Fd*> fds;
    for (const Fd& fd : waiting_.front().fds) fds.push_back(&fd);
    auto sent = send_packet(socket_, waiting_.front().text, fds);
    if (!sent && sent.error().number == EAGAIN) {
      (void)loop_.change(socket_, EPOLLIN | EPOLLOUT);
      return;
    }
    if (!sent) return close();
    waiting_.pop_front();
  }
  (void)loop_.change(socket_, EPOLLIN);
}

void Connection::close() {
  if (!socket_) return;
  loop_.forget(socket_);
  socket_.reset();
  waiting_.clear();
  auto self = shared_from_this();
  on_close_(self);
}

}  // namespace lichen
