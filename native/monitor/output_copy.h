// A copy of a container's output for one attached client.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/fd.h"
#include "service/event_loop.h"

namespace lichen::monitor {

// The writing end of a pipe whose reader never makes the monitor wait: what does not fit is kept, and a
// reader that lets too much of it gather is given up.
class OutputCopy {
 public:
  // Besides what the pipe itself holds.
  static constexpr size_t kMaxWaiting = 1 << 20;

  // `too_slow` is called once when the reader is given up; it must not destroy the copy.
  OutputCopy(EventLoop& loop, Fd pipe, std::function<void()> too_slow)
      : loop_(loop), pipe_(std::move(pipe)), too_slow_(std::move(too_slow)) {}
  ~OutputCopy() { loop_.forget(pipe_); }
  OutputCopy(const OutputCopy&) = delete;
  OutputCopy& operator=(const OutputCopy&) = delete;

  // Notices from now on when the reader goes. The pipe's end must not block.
  Status open();
  void write(std::string_view bytes);
  // Nothing more comes: closes the pipe as soon as the reader has room for what waits.
  void finish();
  // The reader has gone or been given up, or has got everything.
  bool closed() const { return !pipe_; }

 private:
  void handle(uint32_t events);
  // Writes what the pipe takes now and answers how much that was.
  size_t put(std::string_view bytes);
  void close();

  EventLoop& loop_;
  Fd pipe_;
  std::function<void()> too_slow_;
  std::string waiting_;
  bool finishing_ = false;
};

}  // namespace lichen::monitor
