#include "core/resident.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <sstream>

#include "core/fd.h"

namespace lichen {

namespace {

// One mapping of /proc/PID/smaps (proc(5)).
struct Mapping {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  bool of_file = false;
  bool writable = false;

  bool pages_are_the_files() const { return of_file && !writable && begin != 0; }
};

// "00400000-00746000 r--p 00000000 fe:00 10281623 /usr/bin/node" begins a mapping; every other line is one of
// its fields.
bool begins_mapping(const std::string& line, Mapping& mapping) {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  char permissions[5] = "";
  unsigned long inode = 0;
  if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %lu", &begin, &end, permissions,
                  &inode) != 4)
    return false;
  mapping = {begin, end, inode != 0 && permissions[3] == 'p', permissions[1] == 'w'};
  return true;
}

void release(const Mapping& mapping, bool anonymous) {
  if (!mapping.pages_are_the_files() || anonymous) return;
  // It is only a wish: a kernel that refuses it keeps the pages.
  (void)madvise(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED);
}

}  // namespace

Status release_unused_memory() {
  malloc_trim(0);
  LICHEN_ASSIGN(std::string text, read_file("/proc/self/smaps"));
  std::istringstream lines(text);
  Mapping mapping;
  bool anonymous = false;
  for (std::string line; std::getline(lines, line);) {
    Mapping next;
    if (begins_mapping(line, next)) {
      release(mapping, anonymous);
      mapping = next;
      anonymous = false;
    } else if (line.starts_with("Anonymous:") && line.find(" 0 kB") == std::string::npos) {
      anonymous = true;
    }
  }
  release(mapping, anonymous);
  return {};
}

}  // namespace lichen
