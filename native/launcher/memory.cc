#include "launcher/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lichen::launcher {

namespace {

// Read-only segments only: private pages that were written to would lose what was written.
int forget_segments(dl_phdr_info* object, size_t, void*) {
  auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    uintptr_t from = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    uintptr_t to = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void forget_start() {
  malloc_trim(0);
  dl_iterate_phdr(forget_segments, nullptr);
}

}  // namespace lichen::launcher
