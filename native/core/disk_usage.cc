#include "core/disk_usage.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>
#include <utility>
#include <vector>

#include "core/beneath.h"

namespace lichen {

namespace {

constexpr uint64_t kBlock = 512;  // of st_blocks, whatever the file system's own size

class Look {
 public:
  explicit Look(Fd top) : top_(std::move(top)) {}

  DiskUsage whole() {
    struct stat found {};
    if (fstat(top_.get(), &found) == 0) count(found);
    for (pending_.emplace_back(); !pending_.empty();) {
      std::string path = std::move(pending_.back());
      pending_.pop_back();
      directory(path);
    }
    return usage_;
  }

 private:
  void directory(const std::string& path) {
    auto opened = open_beneath(top_, path, O_RDONLY | O_DIRECTORY);
    if (!opened) return;
    auto names = list_names(opened.value());
    if (!names) return;
    for (const std::string& name : names.value()) {
      auto found = stat_at(opened.value(), name);
      if (!found) continue;
      count(found.value());
      if (S_ISDIR(found.value().st_mode)) pending_.push_back(path.empty() ? name : path + "/" + name);
    }
  }

  void count(const struct stat& found) {
    if (!S_ISDIR(found.st_mode) && found.st_nlink > 1 && !seen_.emplace(found.st_dev, found.st_ino).second)
      return;
    usage_.bytes += static_cast<uint64_t>(found.st_blocks) * kBlock;
    usage_.inodes++;
  }

  Fd top_;
  // Paths beneath the top: no descriptor is held for each level of a tree that may be deep on purpose.
  std::vector<std::string> pending_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  DiskUsage usage_;
};

}  // namespace

DiskUsage disk_usage(const std::string& directory) {
  auto began = std::chrono::steady_clock::now();
  Fd top(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) return {};
  DiskUsage usage = Look(std::move(top)).whole();
  usage.took = std::chrono::steady_clock::now() - began;
  return usage;
}

}  // namespace lichen
