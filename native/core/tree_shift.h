// Copies of directory trees for a user namespace: the same files, each with the owner that its id stands for
// there.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "core/user_namespace.h"

namespace lichen {

struct ShiftSummary {
  uint64_t bytes = 0;   // content of regular files
  uint64_t shared = 0;  // of these, what takes no space of its own (FICLONE, ioctl_ficlonerange(2))
  uint64_t inodes = 0;
};

// Copies everything beneath `source` into `destination`, an empty directory on the same file system, which
// gets the attributes of `source` itself. Modes, times, extended attributes, hard links, whiteouts and ACLs
// are kept. Owner and group `n` become those that `map` gives `n`; code ID_OUTSIDE_MAP for a file whose owner
// it does not have.
Result<ShiftSummary> shift_tree(const std::string& source, const std::string& destination,
                                const NestedIdMap& map);

}  // namespace lichen
