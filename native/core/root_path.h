// Paths inside a container's root file system, whose content is not trusted: symbolic links count, but lead
// nowhere outside the root.
#pragma once

#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: "/" and ".." end at `root`.
Result<Fd> open_in_root(const Fd& root, const std::string& path, int flags, unsigned mode = 0);

// The directory at `path` (O_PATH), made with its parents (mode 0755) where missing. Links that lead nowhere
// get their target made, inside the root.
Result<Fd> ensure_directory(const Fd& root, const std::string& path);

// The file at `path` (O_PATH), made empty with its parents where missing. An existing one of any type but a
// directory will do.
Result<Fd> ensure_file(const Fd& root, const std::string& path);

}  // namespace lichen
