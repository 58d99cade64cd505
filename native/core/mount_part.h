// A part of a file system that is mounted nowhere yet.
#pragma once

#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// A detached copy of what is at `path` inside the detached mount `whole`, symbolic links leading nowhere
// outside it. The kernel copies only what is in this mount namespace, so the mount is attached at `place`
// (any directory) for that moment: the namespace must be cut off from others, and owned by the caller's user
// namespace. Code ENOENT when there is no such path.
Result<Fd> part_of_mount(const Fd& whole, const std::string& path, const std::string& place);

}  // namespace lichen
