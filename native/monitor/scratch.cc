#include "monitor/scratch.h"

#include <sys/mman.h>

namespace lichen::monitor {

Result<Scratch> Scratch::create() {
  void* memory = mmap(nullptr, kInput + kOutput, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return sys_error("mmap", "output buffers");
  return Scratch(static_cast<char*>(memory));
}

void Scratch::release() const { madvise(memory_, kInput + kOutput, MADV_DONTNEED); }

}  // namespace lichen::monitor
