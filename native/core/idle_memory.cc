#include "core/idle_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lichen {

namespace {

int drop_readonly_segments(dl_phdr_info* program, size_t, void*) {
  uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < program->dlpi_phnum; i++) {
    const ElfW(Phdr)& segment = program->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    uintptr_t begin = (program->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    uintptr_t end = program->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 1;  // the program is the first object, and the only one of a static executable
}

}  // namespace

void give_memory_back() {
  malloc_trim(0);
  dl_iterate_phdr(drop_readonly_segments, nullptr);
}

}  // namespace lichen
