#include <sys/epoll.h>

#include <cerrno>
#include <unordered_map>

#include "ports/relay.h"
#include "ports/tcp_connection.h"

namespace lichen::ports {

namespace {

constexpr int kAcceptedAtOnce = 64;
constexpr std::chrono::milliseconds kPause(50);

class TcpRelay final : public Relay {
 public:
  TcpRelay(EventLoop& loop, PipePool& pool, Quota& quota, Fd socket, Target target)
      : loop_(loop), pool_(pool), quota_(quota), socket_(std::move(socket)), target_(std::move(target)) {}

  ~TcpRelay() override {
    loop_.forget(socket_);
    if (resume_ != 0) loop_.cancel(resume_);
    auto connections = connections_;  // each one that ends takes itself out
    for (const auto& [id, connection] : connections) connection->abort();
  }

  Status open() override {
    return loop_.watch(socket_, EPOLLIN, [this](uint32_t) { accept(); });
  }
  size_t clients() const override { return connections_.size(); }

 private:
  void accept() {
    for (int i = 0; i < kAcceptedAtOnce; i++) {
      if (quota_.full()) return pause();
      SocketAddress address;
      Fd client(accept4(socket_.get(), address.storage(), address.room(), SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        return pause();
      if (!client && (errno == ECONNABORTED || errno == EINTR)) continue;
      if (!client) return;
      begin(std::move(client), address);
    }
  }

  void begin(Fd client, const SocketAddress& address) {
    uint64_t id = next_++;
    auto connection = std::make_shared<TcpConnection>(loop_, pool_, std::move(client), [this, id] {
      quota_.used--;
      connections_.erase(id);
    });
    // One that fails at once has reset its client, and ends here.
    if (!connection->open(target_, address)) return;
    quota_.used++;
    connections_[id] = std::move(connection);
  }

  // Level-triggered: what waits is told of again once the socket is watched again.
  void pause() {
    (void)loop_.change(socket_, 0);
    resume_ = loop_.after(kPause, [this] {
      resume_ = 0;
      (void)loop_.change(socket_, EPOLLIN);
    });
  }

  EventLoop& loop_;
  PipePool& pool_;
  Quota& quota_;
  Fd socket_;
  Target target_;
  EventLoop::TimerId resume_ = 0;
  uint64_t next_ = 0;
  std::unordered_map<uint64_t, std::shared_ptr<TcpConnection>> connections_;
};

}  // namespace

std::unique_ptr<Relay> tcp_relay(EventLoop& loop, PipePool& pool, Quota& quota, Fd socket, Target target) {
  return std::make_unique<TcpRelay>(loop, pool, quota, std::move(socket), std::move(target));
}

}  // namespace lichen::ports
