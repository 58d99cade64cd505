// How long to wait before something that ended is started again.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lichen::launcher {

// 100 ms, doubling up to 10 s; from the beginning again after a run of more than 10 s.
class Backoff {
 public:
  int64_t next_ms(int64_t ran_ms) {
    if (ran_ms > kLongRunMs) delay_ = 0;
    delay_ = delay_ == 0 ? kFirstMs : std::min(delay_ * 2, kLastMs);
    return delay_;
  }

 private:
  static constexpr int64_t kFirstMs = 100;
  static constexpr int64_t kLastMs = 10000;
  static constexpr int64_t kLongRunMs = 10000;
  int64_t delay_ = 0;
};

}  // namespace lichen::launcher
