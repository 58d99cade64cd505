// Working beneath a directory whose content is not trusted: no path leaves it and no path crosses a symbolic
// link.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV, and O_CLOEXEC added. An empty path
// or "." is the directory itself. Codes that matter: ENOENT, ELOOP (a symbolic link on the way), ENOTDIR,
// EXDEV (leaves).
Result<Fd> open_beneath(const Fd& directory, const std::string& path, int flags, unsigned mode = 0);

// fstatat(2) of one name in a directory, not following a symbolic link. `name` holds no slash.
Result<struct stat> stat_at(const Fd& directory, const std::string& name);

// The names in a directory without "." and ".."; `directory` may be an O_PATH descriptor.
Result<std::vector<std::string>> list_names(const Fd& directory);

// Removes what `name` (without a slash) is in a directory, with all that is in it; symbolic links are
// removed, never followed. Nothing there is success.
Status remove_tree_at(const Fd& directory, const std::string& name);

// A path in two: "a/b/c" is "a/b" and "c"; "c" is "" and "c".
struct SplitPath {
  std::string parent;
  std::string name;
};
SplitPath split_path(const std::string& path);

// "\"path\"", the form in which errors name their object.
std::string quoted(const std::string& path);

}  // namespace lichen
