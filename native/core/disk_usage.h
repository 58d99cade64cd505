// What directory trees take on disk, as du(1) counts it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lichen {

struct DiskUsage {
  uint64_t bytes = 0;
  uint64_t inodes = 0;
  // How long looking took.
  std::chrono::nanoseconds took{0};
};

// The blocks and inodes of the tree, a file with several names counted once. Symbolic links are counted,
// never followed, and other file systems mounted in the tree are left out: its content is not trusted. Never
// fails: what vanishes meanwhile, may not be read, or lies deeper than a path can say (PATH_MAX) counts as
// nothing.
DiskUsage disk_usage(const std::string& directory);

}  // namespace lichen
