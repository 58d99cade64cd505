// Giving memory back before a long wait.
#pragma once

namespace lichen {

// Returns free heap to the kernel and unmaps the program's own read-only pages: they stay in the page cache,
// shared by all that run it, and the few that the next event needs are mapped again without reading anything.
// What a helper executable waits with is then its own changed pages alone: the launcher a fifth of what its
// start had touched.
void give_memory_back();

}  // namespace lichen
