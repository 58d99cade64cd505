// Memory of a process that did a lot once and waits from then on.
#pragma once

namespace lichen::launcher {

// Gives back what only the start needed: pages of program text (they come back from the file when used) and
// freed heap. Idle, the launcher needs a fifth of what it had touched.
void forget_start();

}  // namespace lichen::launcher
