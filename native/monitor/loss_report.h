// Tells the daemon of lost log entries: at once of the first, then once a second of what has come to it.
#pragma once

#include <cstdint>
#include <functional>

#include "core/result.h"
#include "service/event_loop.h"

namespace lichen::monitor {

class LossReport {
 public:
  using Tell = std::function<void(const Error& error, uint64_t lost)>;
  LossReport(EventLoop& loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {}
  ~LossReport();
  LossReport(const LossReport&) = delete;
  LossReport& operator=(const LossReport&) = delete;

  // Why the last one could not be written, and how many there are by now.
  void update(const Error& error, uint64_t lost);
  // Tells what has not been told yet.
  void flush();

 private:
  EventLoop& loop_;
  Tell tell_;
  EventLoop::TimerId timer_ = 0;
  Error error_;
  uint64_t lost_ = 0;
  uint64_t told_ = 0;
};

}  // namespace lichen::monitor
