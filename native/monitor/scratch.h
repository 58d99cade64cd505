// Working memory shared by everything that reads and writes output, given back to the kernel when nothing
// happens.
#pragma once

#include <cstddef>

#include "core/result.h"

namespace lichen::monitor {

// Two blocks. Nothing in them outlives the handler that uses them.
class Scratch {
 public:
  static constexpr size_t kInput = 256 << 10;
  static constexpr size_t kOutput = 256 << 10;

  static Result<Scratch> create();
  char* input() const { return memory_; }
  char* output() const { return memory_ + kInput; }
  // Pages are taken again, zeroed, at the next use.
  void release() const;

 private:
  explicit Scratch(char* memory) : memory_(memory) {}
  char* memory_;  // for the life of the process
};

}  // namespace lichen::monitor
