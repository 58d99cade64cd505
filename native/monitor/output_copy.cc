#include "monitor/output_copy.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace lichen::monitor {

// Without any event asked for, EPOLLERR still tells that nobody has the reading end any more.
Status OutputCopy::open() {
  return loop_.watch(pipe_, 0, [this](uint32_t events) { handle(events); });
}

void OutputCopy::write(std::string_view bytes) {
  if (!pipe_) return;
  if (waiting_.empty()) bytes.remove_prefix(put(bytes));
  if (!pipe_ || bytes.empty()) return;
  if (waiting_.size() + bytes.size() > kMaxWaiting) {
    close();
    return too_slow_();
  }
  if (waiting_.empty()) (void)loop_.change(pipe_, EPOLLOUT);
  waiting_.append(bytes);
}

void OutputCopy::finish() {
  finishing_ = true;
  if (waiting_.empty()) close();
}

void OutputCopy::handle(uint32_t events) {
  if (events & EPOLLERR) return close();
  waiting_.erase(0, put(waiting_));
  if (!pipe_ || !waiting_.empty()) return;
  if (finishing_) return close();
  waiting_ = {};  // its memory too
  (void)loop_.change(pipe_, 0);
}

size_t OutputCopy::put(std::string_view bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = ::write(pipe_.get(), bytes.data() + done, bytes.size() - done);
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (n == 0 || errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      close();
      break;
    }
  }
  return done;
}

void OutputCopy::close() {
  loop_.forget(pipe_);
  pipe_.reset();
  waiting_ = {};
}

}  // namespace lichen::monitor
