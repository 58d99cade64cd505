// Wall-clock time.
#pragma once

#include <cstdint>
#include <ctime>

namespace lichen {

// Nanoseconds since the epoch (CLOCK_REALTIME).
inline int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace lichen
