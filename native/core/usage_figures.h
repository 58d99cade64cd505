// What a container or a pod uses, as one row of numbers: thousands of them are handed over for one answer
// about hundreds of pods.
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace lichen {

// The place of each figure in a row; src/native/usage.ts has the same list. Times are microseconds, sizes
// bytes.
enum Figure : size_t {
  kCpuUsage,
  kCpuUser,
  kCpuSystem,
  kPeriods,
  kThrottledPeriods,
  kThrottledTime,
  // Of pressure eight each: total, avg10, avg60, avg300 of `some`, then of `full`.
  kCpuPressure,
  kMemoryPressure = kCpuPressure + 8,
  kIoPressure = kMemoryPressure + 8,
  kMemoryUsage = kIoPressure + 8,
  kWorkingSet,
  kRss,
  kPageFaults,
  kMajorPageFaults,
  kMemoryAvailable,
  kCache,
  kMappedFile,
  kActiveFile,
  kInactiveFile,
  kKernelMemory,
  kPeak,
  kLimitHits,
  kOomKills,
  kSwapUsage,
  kSwapAvailable,
  kProcesses,
  kThreads,
  kFigureCount,
};

// A figure that nothing in the kernel tells.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
inline bool known(double figure) { return !std::isnan(figure); }

class Figures {
 public:
  Figures() { row_.fill(kUnknown); }
  double& operator[](size_t figure) { return row_[figure]; }
  double operator[](size_t figure) const { return row_[figure]; }
  const double* data() const { return row_.data(); }

  // Adds to a figure; an unknown one counts as nothing, but two of them stay unknown.
  void add(Figure figure, double more) {
    if (known(more)) row_[figure] = known(row_[figure]) ? row_[figure] + more : more;
  }

 private:
  std::array<double, kFigureCount> row_;
};

// A network interface from its own side: bytes, packets, errors, dropped, received and then transmitted.
struct InterfaceTraffic {
  std::string name;
  std::array<double, 8> figures{};
};

// A block device (`major:minor`): bytes read and written, reads, writes.
struct DeviceIo {
  std::string name;
  std::array<double, 4> figures{};
};

}  // namespace lichen
