// Parts of /proc and /sys that a container may not see or change (OCI linux.maskedPaths,
// linux.readonlyPaths).
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// Covers files by `null_device` (a detached bind of /dev/null; taken over) and directories by an empty
// read-only tmpfs. Paths that do not exist are as good as masked.
Status mask_paths(const Fd& root, const std::vector<std::string>& paths, Fd null_device);

// Makes each path, with what is mounted below, read-only. Paths that do not exist are skipped.
Status make_paths_readonly(const Fd& root, const std::vector<std::string>& paths);

}  // namespace lichen
