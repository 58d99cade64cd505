// Time that nobody can set.
#pragma once

#include <time.h>

#include <cstdint>

namespace lichen::launcher {

// Milliseconds of CLOCK_MONOTONIC.
inline int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

}  // namespace lichen::launcher
