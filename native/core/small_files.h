// Small files of /proc and cgroup2, many of them: a node with hundreds of pods is asked for all of their
// figures.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"

namespace lichen {

// Reads small files one after the other into the same memory.
class SmallFiles {
 public:
  SmallFiles();
  // The text of a file, good until the next read; nothing for one that cannot be read (its process has ended,
  // its controller is not there). `path` is beneath `directory`, which may be empty for absolute paths. A
  // file longer than 1 MiB is cut there.
  std::optional<std::string_view> read(const Fd& directory, const char* path);
  std::optional<std::string_view> read(const std::string& path) { return read({}, path.c_str()); }

 private:
  std::string memory_;
};

}  // namespace lichen
