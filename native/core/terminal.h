// Pseudo-terminals (pty(7)) of a container's own devpts.
#pragma once

#include <sys/types.h>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

struct Terminal {
  Fd master;
  Fd slave;
};

struct TerminalSize {
  unsigned short columns = 80;
  unsigned short rows = 24;
};

// A new terminal of the devpts file system at dev/pts beneath `root`, owned by `owner`. What is there may
// have been put in place by the container: anything but a devpts is refused.
Result<Terminal> open_terminal(const Fd& root, const TerminalSize& size, uid_t owner);

Status resize_terminal(const Fd& master, const TerminalSize& size);

// Makes the slave the controlling terminal and descriptors 0, 1 and 2 of the calling process, a session
// leader.
Status adopt_terminal(const Fd& slave);

}  // namespace lichen
