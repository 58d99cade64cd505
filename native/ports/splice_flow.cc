#include "ports/splice_flow.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace lichen::ports {

namespace {

constexpr size_t kMost = 1 << 20;  // bytes asked of one splice(2); the pipe takes less
constexpr int kTurns = 64;         // before other connections have theirs
constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

}  // namespace

SpliceFlow::~SpliceFlow() {
  if (pipe_ && inside_ == 0) pool_.give_back(std::move(*pipe_));
}

// Whether something came in.
Result<bool> SpliceFlow::fill() {
  if (!pipe_) {
    LICHEN_ASSIGN(pipe_, pool_.take());
  }
  ssize_t n;
  do n = splice(from_.get(), nullptr, pipe_->write.get(), nullptr, kMost, kFlags);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return false;
  if (n < 0) return sys_error("splice", "(from socket)");
  ended_ = n == 0;
  inside_ = static_cast<size_t>(n);
  return n > 0;
}

// Whether the pipe is empty.
Result<bool> SpliceFlow::empty() {
  while (inside_ > 0) {
    ssize_t n = splice(pipe_->read.get(), nullptr, to_.get(), nullptr, inside_, kFlags);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) return sys_error("splice", "(to socket)");
    inside_ -= static_cast<size_t>(n);
  }
  return true;
}

Result<SpliceFlow::State> SpliceFlow::move() {
  if (done_) return State::done;
  for (int turn = 0; turn < kTurns; turn++) {
    LICHEN_ASSIGN(bool emptied, empty());
    if (!emptied) return State::waiting;
    LICHEN_ASSIGN(bool more, fill());
    if (more) continue;
    if (pipe_) pool_.give_back(std::move(*pipe_));
    pipe_.reset();
    if (!ended_) return State::waiting;
    done_ = true;
    // ENOTCONN: the other side is gone altogether, as its own flow will find.
    if (shutdown(to_.get(), SHUT_WR) != 0 && errno != ENOTCONN) return sys_error("shutdown");
    return State::done;
  }
  return State::more;
}

}  // namespace lichen::ports
