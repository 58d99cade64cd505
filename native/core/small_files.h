// Many small files of /proc and cgroup2 at once: a node with hundreds of pods is asked for all of their
// figures.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lichen {

// The texts of the files, in the order of `paths`; nothing for one that cannot be read (its process has
// ended, its controller is not there). A file longer than 1 MiB is cut there. Never fails, since any of them
// may vanish.
std::vector<std::optional<std::string>> read_small_files(const std::vector<std::string>& paths);

}  // namespace lichen
