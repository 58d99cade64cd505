#include "ports/tcp_connection.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <cerrno>

namespace lichen::ports {

namespace {

constexpr std::chrono::seconds kConnectTimeout(10);
constexpr int kKeepIdleSeconds = 60;
constexpr int kKeepIntervalSeconds = 30;
constexpr int kKeepProbes = 4;
constexpr int kUnreadMs = 15 * 60 * 1000;
// Edge-triggered: both directions are moved as far as they go at every event, so nothing is asked for twice.
constexpr uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

void prepare(const Fd& fd) {
  auto set = [&](int level, int option, int value) {
    setsockopt(fd.get(), level, option, &value, sizeof value);
  };
  // Bytes go on as they come: whoever wrote them has decided how much is one segment.
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepProbes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUnreadMs);
}

// Closing sends RST from now on, not FIN.
void reset_at_close(const Fd& fd) {
  linger now{1, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

TcpConnection::TcpConnection(EventLoop& loop, PipePool& pool, Fd client, std::function<void()> ended)
    : loop_(loop),
      client_(std::move(client)),
      ended_(std::move(ended)),
      to_pod_(pool, client_, pod_),
      to_client_(pool, pod_, client_) {}

TcpConnection::~TcpConnection() {
  loop_.forget(client_);
  loop_.forget(pod_);
  if (timer_ != 0) loop_.cancel(timer_);
}

Status TcpConnection::open(const Target& target, const SocketAddress& address) {
  prepare(client_);
  auto pod = connect_to_pod(target, address, SOCK_STREAM);
  if (!pod) {
    reset_at_close(client_);
    return std::move(pod).error();
  }
  pod_ = std::move(pod).value();
  prepare(pod_);
  std::weak_ptr<TcpConnection> weak = weak_from_this();
  auto on_event = [weak](uint32_t) {
    if (auto self = weak.lock()) self->handle();
  };
  LICHEN_TRY(loop_.watch(client_, kEvents, on_event));
  LICHEN_TRY(loop_.watch(pod_, kEvents, on_event));
  timer_ = loop_.after(kConnectTimeout, [weak] {
    auto self = weak.lock();
    if (!self) return;
    self->timer_ = 0;
    self->abort();
  });
  return {};
}

void TcpConnection::handle() {
  auto self = shared_from_this();
  if (!pod_) return;
  if (connecting_) connected();
  if (!connecting_ && pod_) pump();
}

// Whether the attempt to reach the pod has come to its end.
void TcpConnection::connected() {
  int failure = 0;
  socklen_t size = sizeof failure;
  getsockopt(pod_.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure != 0) return abort();
  tcp_info info{};
  size = sizeof info;
  if (getsockopt(pod_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return abort();
  if (info.tcpi_state == TCP_SYN_SENT) return;  // an event of the client's side
  if (info.tcpi_state == TCP_CLOSE) return abort();
  connecting_ = false;
  loop_.cancel(timer_);
  timer_ = 0;
}

void TcpConnection::pump() {
  bool again = false;
  for (SpliceFlow* flow : {&to_pod_, &to_client_}) {
    auto moved = flow->move();
    if (!moved) return abort();
    again = again || moved.value() == SpliceFlow::State::more;
  }
  if (to_pod_.done() && to_client_.done()) return close();
  if (!again || timer_ != 0) return;
  std::weak_ptr<TcpConnection> weak = weak_from_this();
  timer_ = loop_.after(std::chrono::milliseconds(1), [weak] {
    auto self = weak.lock();
    if (!self) return;
    self->timer_ = 0;
    self->handle();
  });
}

void TcpConnection::abort() {
  reset_at_close(client_);
  if (pod_) reset_at_close(pod_);
  close();
}

void TcpConnection::close() {
  if (!client_) return;
  loop_.forget(client_);
  loop_.forget(pod_);
  if (timer_ != 0) loop_.cancel(timer_);
  timer_ = 0;
  client_.reset();
  pod_.reset();
  auto ended = std::move(ended_);
  if (ended) ended();
}

}  // namespace lichen::ports
