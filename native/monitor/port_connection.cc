#include "monitor/port_connection.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

namespace lichen::monitor {

namespace {

constexpr std::chrono::seconds kDeadline(10);

// Lives in the handlers that wait for it.
class PortConnection : public std::enable_shared_from_this<PortConnection> {
 public:
  PortConnection(EventLoop& loop, uint16_t port, Reply reply)
      : loop_(loop), port_(port), reply_(std::move(reply)) {}

  void begin(int family) {
    family_ = family;
    auto started = start();
    if (!started) return failed(std::move(started).error());
    auto self = shared_from_this();
    auto watched = loop_.watch(socket_, EPOLLOUT, [self](uint32_t) { self->settled(); });
    if (!watched) return failed(std::move(watched).error());
    timer_ = loop_.after(kDeadline, [self] {
      self->timer_ = 0;
      self->failed(sys_error("connect", self->name(), ETIMEDOUT));
    });
  }

 private:
  std::string name() const { return (family_ == AF_INET ? "127.0.0.1:" : "[::1]:") + std::to_string(port_); }

  Status start() {
    socket_ = Fd(socket(family_, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) return sys_error("socket", name());
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port_);
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port_);
    six.sin6_addr = in6addr_loopback;
    int result = family_ == AF_INET ? connect(socket_.get(), reinterpret_cast<sockaddr*>(&four), sizeof four)
                                    : connect(socket_.get(), reinterpret_cast<sockaddr*>(&six), sizeof six);
    if (result != 0 && errno != EINPROGRESS) return sys_error("connect", name());
    return {};
  }

  void settled() {
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) return failed(sys_error("connect", name(), failure));
    stop();
    Answer answer;
    answer.fds.push_back(std::move(socket_));
    reply_(std::move(answer));
  }

  void failed(Error error) {
    stop();
    socket_.reset();
    if (family_ == AF_INET) {
      first_ = std::move(error);
      return begin(AF_INET6);
    }
    reply_(std::move(first_));
  }

  void stop() {
    loop_.forget(socket_);
    if (timer_ != 0) loop_.cancel(timer_);
    timer_ = 0;
  }

  EventLoop& loop_;
  uint16_t port_;
  Reply reply_;
  int family_ = AF_INET;
  Fd socket_;
  EventLoop::TimerId timer_ = 0;
  Error first_;
};

}  // namespace

void connect_port(EventLoop& loop, uint16_t port, Reply reply) {
  std::make_shared<PortConnection>(loop, port, std::move(reply))->begin(AF_INET);
}

}  // namespace lichen::monitor
